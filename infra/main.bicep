// Everything the gigafactory needs on Azure. `azd up` runs it; names of queues, containers and pools come from
// shared/topology.json, the list that the code reads too.
targetScope = 'subscription'

@minLength(1)
@maxLength(40)
@description('Name of the environment: part of the resource group and, hashed, of every resource name.')
param environmentName string

@description('Region of every resource but the static web app.')
param location string

@description('Region of the static web app, which exists in few.')
param staticSiteLocation string = 'westeurope'

@description('Application (client) id of the app registration that people sign in to; its app roles are admin, editor, reviewer, operator and viewer.')
param operatorAudience string

@secure()
@minLength(44)
@description('Key that signs the tokens of factories: 32 random bytes in base64 (openssl rand -base64 32).')
param factoryTokenKey string

@secure()
@description('Base64 of 32 random bytes: signs the checkpoints of the audit.')
param auditKey string

@description('Container image of the factory. Empty: no on-demand pools yet.')
param factoryImage string = ''

@description('Pools whose factories start on demand; each must stand in shared/topology.json.')
param onDemandPools array = [
  'any'
]

@minValue(1)
@description('At most so many factories of one on-demand pool at the same time.')
param maxFactoriesPerPool int = 10

@minValue(5)
@maxValue(300)
@description('Lease length in seconds: a lost factory gives its job back after it.')
param leaseSeconds int = 30

@minValue(100)
@description('How often a change-feed function asks for news, in milliseconds. Dispatch does not wait for it.')
param feedPollMs int = 5000

@description('May critical work take a station from less urgent work?')
param preemption bool = false

var topology = loadJsonContent('../shared/topology.json')
var token = toLower(uniqueString(subscription().id, environmentName, location))
var tags = {
  'azd-env-name': environmentName
}

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

module identities 'modules/identities.bicep' = {
  name: 'identities'
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    pools: onDemandPools
  }
}

module monitoring 'modules/monitoring.bicep' = {
  name: 'monitoring'
  scope: group
  params: {
    location: location
    tags: tags
    token: token
  }
}

module storage 'modules/storage.bicep' = {
  name: 'storage'
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    blobContainers: topology.blobContainers
  }
}

module serviceBus 'modules/serviceBus.bicep' = {
  name: 'serviceBus'
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    queues: topology.queues
    pools: topology.pools
    poolQueue: topology.poolQueue
  }
}

module cosmos 'modules/cosmos.bicep' = {
  name: 'cosmos'
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    databaseName: topology.database
    containers: topology.containers
  }
}

module keyVault 'modules/keyVault.bicep' = {
  name: 'keyVault'
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    factoryTokenKey: factoryTokenKey
    auditKey: auditKey
  }
}

module web 'modules/web.bicep' = {
  name: 'web'
  scope: group
  params: {
    location: staticSiteLocation
    tags: tags
    token: token
  }
}

module roles 'modules/roles.bicep' = {
  name: 'roles'
  scope: group
  params: {
    appPrincipalId: identities.outputs.appPrincipalId
    factories: identities.outputs.factories
    storageName: storage.outputs.name
    serviceBusName: serviceBus.outputs.name
    cosmosName: cosmos.outputs.name
    keyVaultName: keyVault.outputs.name
    applicationInsightsName: monitoring.outputs.applicationInsightsName
  }
}

module api 'modules/functionApp.bicep' = {
  name: 'api'
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    identityId: identities.outputs.appId
    identityClientId: identities.outputs.appClientId
    storageName: storage.outputs.name
    deploymentContainer: storage.outputs.deploymentContainer
    serviceBusHost: serviceBus.outputs.host
    cosmosEndpoint: cosmos.outputs.endpoint
    factoryTokenKeyUri: keyVault.outputs.factoryTokenKeyUri
    auditKeyUri: keyVault.outputs.auditKeyUri
    applicationInsightsConnectionString: monitoring.outputs.connectionString
    operatorAudience: operatorAudience
    webOrigin: web.outputs.origin
    leaseSeconds: leaseSeconds
    preemption: preemption
    feedPollMs: feedPollMs
  }
  dependsOn: [
    roles
  ]
}

module pools 'modules/pools.bicep' = if (!empty(factoryImage)) {
  name: 'pools'
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    image: factoryImage
    factories: identities.outputs.factories
    maxFactories: maxFactoriesPerPool
    serviceBusHost: serviceBus.outputs.host
    serviceBusNamespace: serviceBus.outputs.name
    apiUrl: api.outputs.apiUrl
    apiAudience: operatorAudience
    logAnalyticsName: monitoring.outputs.logAnalyticsName
  }
  dependsOn: [
    roles
  ]
}

output AZURE_RESOURCE_GROUP string = group.name
output API_URL string = api.outputs.apiUrl
output WEB_URL string = web.outputs.origin
output SERVICE_BUS_HOST string = serviceBus.outputs.host
