/** Made-up credentials, put together at run time: none stands in a file of this repository. */
const text = (length: number, alphabet = 'aB3dE5gH7jK9mN'): string =>
  alphabet.repeat(length).slice(0, length);

export const SECRETS = {
  'an AWS access key id': `AKIA${text(16, 'A1B2C3D4')}`,
  'an AWS secret key': `aws_secret_access_key = ${text(40)}`,
  'a GitHub token': `ghp_${text(36)}`,
  'a GitLab token': `glpat-${text(20)}`,
  'an npm token': `npm_${text(36)}`,
  'an API key of a model provider': `sk-ant-api03-${text(80)}`,
  'a Google API key': `AIza${text(35)}`,
  'a Slack token': `xoxb-${text(30)}`,
  'a Stripe key': `sk_live_${text(24)}`,
  'an Azure connection key': `AccountKey=${text(86)}==`,
  'an Azure shared access signature': `?sv=2026&sig=${text(44)}`,
  'an Entra client secret': `abc8Q~${text(34)}`,
  'a JSON web token': `eyJ${text(20)}.eyJ${text(30)}.${text(43)}`,
  'an address with a password': `https://ann:${text(12)}@git.acme.io/a.git`,
  'a private key': `-----BEGIN RSA PRIVATE KEY-----\n${`${text(64)}\n`.repeat(8)}-----END RSA PRIVATE KEY-----`,
} as const;
export const GITHUB_TOKEN = SECRETS['a GitHub token'];
