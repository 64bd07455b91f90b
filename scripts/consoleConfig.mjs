// Writes dist/web/config.json for a deployment, from what `azd provision` put into the environment.
import fs from 'node:fs';

const need = (name, cure) => {
  const value = process.env[name];
  if (!value) {
    process.stderr.write(`${name} is not set: ${cure}\n`);
    process.exit(1);
  }
  return value;
};

const audience = need(
  'OPERATOR_AUDIENCE',
  'azd env set OPERATOR_AUDIENCE <client id of the app registration>',
);
const config = {
  apiUrl: need('API_URL', 'run azd provision first'),
  issuer: `https://login.microsoftonline.com/${need('AZURE_TENANT_ID', 'run azd auth login')}/v2.0`,
  clientId: audience,
  scope: `openid profile ${audience}/.default`,
};
fs.mkdirSync('dist/web', { recursive: true });
fs.writeFileSync('dist/web/config.json', JSON.stringify(config, undefined, 2) + '\n');
