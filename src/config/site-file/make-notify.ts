import { join, resolve } from 'node:path';

import { present } from '#util/present.ts';

import type { NotifySettings, Webhook } from '#model/site.ts';

import type { SiteSections } from './site-schema.ts';

/**
 * Makes the channels of notifications from `notify` of the site file. A command with a slash is a path relative to the site; one
 * without is looked for on the PATH.
 */
export function makeNotify(
  notify: SiteSections['notify'],
  root: { readonly directory: string; readonly file?: string },
): NotifySettings {
  const [program, ...args] = notify?.command ?? [];
  const command =
    program === undefined ? undefined : [program.includes('/') ? resolve(root.directory, program) : program, ...args];
  const given = notify?.webhook;
  const mail = notify?.mail && {
    ...{ to: notify.mail.to, program: resolve(root.directory, notify.mail.sendmail ?? '/usr/sbin/sendmail') },
    ...present({ from: notify.mail.from }),
  };
  return present({ command, webhook: given === undefined ? undefined : makeWebhook(given, root), mail });
}

function makeWebhook(
  given: NonNullable<NonNullable<SiteSections['notify']>['webhook']>,
  { directory, file }: { readonly directory: string; readonly file?: string },
): Webhook {
  if (typeof given === 'string') return { url: given };
  return 'env' in given ? given : { file: given.file, siteFile: file ?? join(directory, 'slurp.yaml') };
}
