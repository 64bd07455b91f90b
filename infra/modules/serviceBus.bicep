// The bus: the tracker queues and one session queue a pool. Standard is enough: no message is large, and sessions
// and duplicate detection are there.

@description('Region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Suffix that makes names unique.')
param token string

@description('Queues of their own, from shared/topology.json.')
param queues array

@description('Pools, from shared/topology.json; each has a queue pool-<name>.')
param pools array

@description('What all pool queues have in common, from shared/topology.json.')
param poolQueue object

@description('Lock of the tracker queues: the default of shared/topology.ts.')
var queueLockSeconds = 60

resource namespace 'Microsoft.ServiceBus/namespaces@2024-01-01' = {
  name: 'sbns-${token}'
  location: location
  tags: tags
  sku: {
    name: 'Standard'
    tier: 'Standard'
  }
  properties: {
    disableLocalAuth: true
    minimumTlsVersion: '1.2'
  }
}

resource ownQueues 'Microsoft.ServiceBus/namespaces/queues@2024-01-01' = [
  for queue in queues: {
    parent: namespace
    name: queue.name
    properties: {
      requiresSession: queue.requiresSession
      lockDuration: 'PT${queueLockSeconds}S'
      maxDeliveryCount: queue.maxDeliveryCount
      requiresDuplicateDetection: true
      duplicateDetectionHistoryTimeWindow: 'PT${queue.duplicateDetectionWindowSeconds}S'
      deadLetteringOnMessageExpiration: true
    }
  }
]

resource poolQueues 'Microsoft.ServiceBus/namespaces/queues@2024-01-01' = [
  for pool in pools: {
    parent: namespace
    name: 'pool-${pool.name}'
    properties: {
      requiresSession: true
      lockDuration: 'PT${poolQueue.lockDurationSeconds}S'
      maxDeliveryCount: poolQueue.maxDeliveryCount
      requiresDuplicateDetection: true
      duplicateDetectionHistoryTimeWindow: 'PT${poolQueue.duplicateDetectionWindowSeconds}S'
      defaultMessageTimeToLive: 'PT${poolQueue.ticketTtlSeconds}S'
      deadLetteringOnMessageExpiration: false
    }
  }
]

@description('Name of the namespace.')
output name string = namespace.name

@description('Host that clients connect to.')
output host string = '${namespace.name}.servicebus.windows.net'
