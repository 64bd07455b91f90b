// Secrets that cannot be an identity: the key that signs factory tokens, and what an operator adds for trackers.

@description('Region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Suffix that makes names unique.')
param token string

@secure()
@description('Key that signs the tokens of factories.')
param factoryTokenKey string

@secure()
@description('Key that signs the checkpoints of the audit: base64 of 32 random bytes.')
param auditKey string

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' = {
  name: 'kv-${token}'
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    enableRbacAuthorization: true
    enableSoftDelete: true
    softDeleteRetentionInDays: 7
    sku: {
      family: 'A'
      name: 'standard'
    }
  }
}

resource tokenKey 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = {
  parent: vault
  name: 'factory-token-key'
  properties: {
    value: factoryTokenKey
  }
}

resource sealKey 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = {
  parent: vault
  name: 'audit-key'
  properties: {
    value: auditKey
  }
}

@description('Name of the vault.')
output name string = vault.name

@description('Address of the newest version of the key.')
output factoryTokenKeyUri string = '${vault.properties.vaultUri}secrets/${tokenKey.name}'

@description('Address of the newest version of the audit key.')
output auditKeyUri string = '${vault.properties.vaultUri}secrets/${sealKey.name}'
