import { SiteError } from '#model/errors.ts';

import { readSecretFile } from './site-file/read-site-file.ts';

import type { Webhook } from '#model/site.ts';

/**
 * Reads the address of a webhook from the place that the site names: the site file, an environment variable or a file. It
 * is read for each notification and not with the site, so that a missing secret stops no other command.
 *
 * @returns an address of http or https; it may hold a token: never print it
 * @throws SiteError
 */
export async function readWebhookAddress(
  webhook: Webhook,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<string> {
  const address = (await readAddress(webhook, env)).trim();
  if (URL.canParse(address) && /^https?:$/u.test(new URL(address).protocol)) return address;
  throw new SiteError("The address of 'notify.webhook' is not valid: expected 'https://HOST/PATH'", {
    code: 'site-webhook',
  });
}

async function readAddress(webhook: Webhook, env: Readonly<Record<string, string | undefined>>): Promise<string> {
  if ('url' in webhook) return webhook.url;
  if ('file' in webhook) return readSecretFile(webhook.siteFile, webhook.file);
  const text = env[webhook.env] ?? '';
  if (text !== '') return text;
  throw new SiteError(`'notify.webhook' comes from the environment variable '${webhook.env}', which is not set`, {
    code: 'site-secret-unset',
    advice: `Set '${webhook.env}' where 'slurp serve' and 'ramenya' start, or use a file: {file: PATH}`,
  });
}
