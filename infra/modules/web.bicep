// The console: static files. It calls the function app directly, not through a linked backend (docs/architecture.md).

@description('Region; static web apps exist in few.')
param location string

@description('Tags of every resource.')
param tags object

@description('Suffix that makes names unique.')
param token string

resource site 'Microsoft.Web/staticSites@2024-04-01' = {
  name: 'stapp-${token}'
  location: location
  tags: union(tags, { 'azd-service-name': 'web' })
  sku: {
    name: 'Free'
    tier: 'Free'
  }
  properties: {}
}

@description('Address of the console.')
output origin string = 'https://${site.properties.defaultHostname}'
