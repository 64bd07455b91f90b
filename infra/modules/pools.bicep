// Factories on demand: one Container Apps job a pool, started by the number of tickets in the pool's queue.

@description('Region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Suffix that makes names unique.')
param token string

@description('Container image of the factory.')
param image string

@description('One entry a pool: {pool, id, clientId, principalId}.')
param factories array

@description('At most so many factories of one pool at the same time.')
param maxFactories int

@description('Host of the Service Bus namespace.')
param serviceBusHost string

@description('Name of the Service Bus namespace.')
param serviceBusNamespace string

@description('Base of the API.')
param apiUrl string

@description('Whom tokens for the API are for. The pools\' identities need the app role factory of that application.')
param apiAudience string

@description('Log Analytics workspace for the containers\' output.')
param logAnalyticsName string

@description('A factory with nothing to do ends after so many seconds.')
var idleExitSeconds = 60

@description('Longest life of one factory in seconds.')
var replicaTimeoutSeconds = 21600

resource logAnalytics 'Microsoft.OperationalInsights/workspaces@2023-09-01' existing = {
  name: logAnalyticsName
}

resource containerEnvironment 'Microsoft.App/managedEnvironments@2025-01-01' = {
  name: 'cae-${token}'
  location: location
  tags: tags
  properties: {
    appLogsConfiguration: {
      // Not 'log-analytics', which would want the workspace's key.
      destination: 'azure-monitor'
    }
  }
}

resource containerLogs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-log-analytics'
  scope: containerEnvironment
  properties: {
    workspaceId: logAnalytics.id
    logs: [
      {
        categoryGroup: 'allLogs'
        enabled: true
      }
    ]
  }
}

resource pools 'Microsoft.App/jobs@2026-01-01' = [
  for factory in factories: {
    name: 'caj-${factory.pool}-${token}'
    location: location
    tags: tags
    identity: {
      type: 'UserAssigned'
      userAssignedIdentities: {
        '${factory.id}': {}
      }
    }
    properties: {
      environmentId: containerEnvironment.id
      configuration: {
        triggerType: 'Event'
        replicaTimeout: replicaTimeoutSeconds
        replicaRetryLimit: 0
        eventTriggerConfig: {
          parallelism: 1
          replicaCompletionCount: 1
          scale: {
            minExecutions: 0
            maxExecutions: maxFactories
            pollingInterval: 15
            rules: [
              {
                name: 'tickets'
                type: 'azure-servicebus'
                identity: factory.id
                metadata: {
                  namespace: serviceBusNamespace
                  queueName: 'pool-${factory.pool}'
                  messageCount: '1'
                }
              }
            ]
          }
        }
      }
      template: {
        containers: [
          {
            name: 'factory'
            image: image
            args: [
              '--idle-exit'
              string(idleExitSeconds)
            ]
            env: [
              {
                name: 'GIGAFACTORY_API'
                value: apiUrl
              }
              {
                name: 'GIGAFACTORY_AUDIENCE'
                value: apiAudience
              }
              {
                name: 'SERVICE_BUS__fullyQualifiedNamespace'
                value: serviceBusHost
              }
              {
                name: 'AZURE_CLIENT_ID'
                value: factory.clientId
              }
            ]
            resources: {
              cpu: json('1.0')
              memory: '2Gi'
            }
          }
        ]
      }
    }
  }
]
