// Who acts: one identity for the function app, one for each on-demand pool, so that a pool's factories can receive
// from their own queue only.

@description('Region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Suffix that makes names unique.')
param token string

@description('Pools whose factories run on demand.')
param pools array

resource app 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: 'id-api-${token}'
  location: location
  tags: tags
}

resource factories 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = [
  for pool in pools: {
    name: 'id-pool-${pool}-${token}'
    location: location
    tags: tags
  }
]

@description('Resource id of the function app\'s identity.')
output appId string = app.id

@description('Client id of the function app\'s identity.')
output appClientId string = app.properties.clientId

@description('Principal id of the function app\'s identity.')
output appPrincipalId string = app.properties.principalId

@description('One entry a pool: {pool, id, clientId, principalId}.')
output factories array = [
  for (pool, i) in pools: {
    pool: pool
    id: factories[i].id
    clientId: factories[i].properties.clientId
    principalId: factories[i].properties.principalId
  }
]
