// The control plane on Flex Consumption. No keys in the settings: connections are identity-based.

@description('Region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Suffix that makes names unique.')
param token string

@description('Resource id of the app\'s identity.')
param identityId string

@description('Client id of the app\'s identity.')
param identityClientId string

@description('Storage account of the host and of the blobs.')
param storageName string

@description('Container that holds the package.')
param deploymentContainer string

@description('Host of the Service Bus namespace.')
param serviceBusHost string

@description('Endpoint of the Cosmos account.')
param cosmosEndpoint string

@description('Key Vault address of the key that signs factory tokens.')
param factoryTokenKeyUri string

@description('Key Vault address of the key that signs the checkpoints of the audit.')
param auditKeyUri string

@description('Application Insights connection string.')
param applicationInsightsConnectionString string

@description('Client id of the app registration that people sign in to.')
param operatorAudience string

@description('Origin of the console.')
param webOrigin string

@description('Lease length in seconds.')
param leaseSeconds int

@description('Change-feed poll in milliseconds.')
param feedPollMs int

@description('May critical work take a station from less urgent work?')
param preemption bool

@minValue(40)
@maxValue(1000)
@description('Most instances of one function group.')
param maximumInstanceCount int = 40

var authority = '${environment().authentication.loginEndpoint}${tenant().tenantId}'

resource storage 'Microsoft.Storage/storageAccounts@2024-01-01' existing = {
  name: storageName
}

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  name: 'plan-${token}'
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true
  }
}

resource app 'Microsoft.Web/sites@2025-03-01' = {
  name: 'func-${token}'
  location: location
  tags: union(tags, { 'azd-service-name': 'api' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    keyVaultReferenceIdentity: identityId
    siteConfig: {
      minTlsVersion: '1.2'
      cors: {
        allowedOrigins: [
          webOrigin
        ]
      }
    }
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${storage.properties.primaryEndpoints.blob}${deploymentContainer}'
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      scaleAndConcurrency: {
        instanceMemoryMB: 2048
        maximumInstanceCount: maximumInstanceCount
      }
      runtime: {
        name: 'node'
        version: '22'
      }
    }
  }
}

resource settings 'Microsoft.Web/sites/config@2025-03-01' = {
  parent: app
  name: 'appsettings'
  properties: {
    AZURE_CLIENT_ID: identityClientId
    AzureWebJobsStorage__accountName: storageName
    AzureWebJobsStorage__credential: 'managedidentity'
    AzureWebJobsStorage__clientId: identityClientId
    SERVICE_BUS__fullyQualifiedNamespace: serviceBusHost
    SERVICE_BUS__credential: 'managedidentity'
    SERVICE_BUS__clientId: identityClientId
    COSMOS__accountEndpoint: cosmosEndpoint
    COSMOS__credential: 'managedidentity'
    COSMOS__clientId: identityClientId
    BLOBS__serviceUri: storage.properties.primaryEndpoints.blob
    APPLICATIONINSIGHTS_CONNECTION_STRING: applicationInsightsConnectionString
    APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
    OPERATOR_ISSUER: '${authority}/v2.0'
    OPERATOR_AUDIENCE: operatorAudience
    OPERATOR_JWKS_URL: '${authority}/discovery/v2.0/keys'
    FACTORY_TOKEN_KEY: '@Microsoft.KeyVault(SecretUri=${factoryTokenKeyUri})'
    AUDIT_KEY: '@Microsoft.KeyVault(SecretUri=${auditKeyUri})'
    LEASE_SECONDS: string(leaseSeconds)
    FEED_POLL_MS: string(feedPollMs)
    PREEMPTION: preemption ? 'on' : 'off'
  }
}

@description('Base of the API.')
output apiUrl string = 'https://${app.properties.defaultHostName}/api'
