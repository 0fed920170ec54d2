import { expect, it, test } from 'vitest';

import { withoutCredentials } from '#util/text/without-credentials.ts';

test.each([
  ['https://host/group/repo.git', 'https://host/group/repo.git'],
  ['https://user:token@host/group/repo.git', 'https://host/group/repo.git'],
  ['https://token@host/repo.git', 'https://host/repo.git'],
  ['https://user@mail:to@ken@host:8443/repo', 'https://host:8443/repo'],
  ["https://user:it's@host/repo", 'https://host/repo'],
  ['HTTPS://user:token@host/repo', 'HTTPS://host/repo'],
  ['https://host/repo.git?private_token=secret', 'https://host/repo.git'],
  ['https://user:token@host?access_token=secret#part', 'https://host'],
  ['ssh://git@host/repo.git', 'ssh://git@host/repo.git'],
  ['ssh://git:secret@host:22/repo.git', 'ssh://git@host:22/repo.git'],
  ['git+ssh://git:secret@host/repo.git', 'git+ssh://git@host/repo.git'],
  ['git://user:secret@host/repo.git', 'git://host/repo.git'],
  ['git@host:group/repo.git', 'git@host:group/repo.git'],
  ['https://user:to/ken@host/repo.git', 'https://host/repo.git'],
  ['https://user:to/k?e#n@host:8443/repo.git', 'https://host:8443/repo.git'],
  ['https://user:1234567/8@host/repo.git', 'https://host/repo.git'],
  ['ssh://git:to/ken@host/repo.git', 'ssh://git@host/repo.git'],
  ['https://host:8443/repo@2024', 'https://host:8443/repo@2024'],
  ['https://host/group:name/repo@2024', 'https://host/group:name/repo@2024'],
  ['https://[::1]:8443/repo@2024', 'https://[::1]:8443/repo@2024'],
  ['git:to/ken@host:group/repo.git', 'git@host:group/repo.git'],
  ['host:group/repo.git', 'host:group/repo.git'],
  ['/afs/repo@2024/x?y', '/afs/repo@2024/x?y'],
  ['file:///afs/repo@2024?x', 'file:///afs/repo@2024?x'],
])('of the address %s leaves %s', (written, stripped) => {
  expect(withoutCredentials(written)).toBe(stripped);
});

it('removes credentials of every address in a message', () => {
  expect(
    withoutCredentials("fatal: unable to access 'https://u:t@host/a?token=1': no route; tried 'ssh://g:p@host/b'"),
  ).toBe("fatal: unable to access 'https://host/a': no route; tried 'ssh://g@host/b'");
});
