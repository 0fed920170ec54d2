import { expect, test } from 'vitest';

import { renderPayload, renderPayloads } from '#reports/render-payload.ts';

const at = new Date('2026-11-24T08:00:00Z');
const row = {
  ...{ hash: 'abcdef0123456789abcdef0123456789abcdef01', directory: '/site/payloads', fileCount: 2, sizeBytes: 1234 },
  ...{ madeAt: at, usedAt: at, prunedAt: null, submissions: 1, openSubmissions: 1 },
};

test('lists snapshots with their state', () => {
  const kept = { ...row, hash: 'b'.repeat(40), openSubmissions: 0 };
  const pruned = { ...row, hash: 'c'.repeat(40), openSubmissions: 0, prunedAt: at };
  expect(renderPayloads([row, kept, pruned], 80)).toMatchInlineSnapshot(`
    "payload       last used         size    files  submissions  state
    ------------  ----------------  ------  -----  -----------  ------
    abcdef012345  2026-11-24 08:00  1.2 kB  2      1            needed
    bbbbbbbbbbbb  2026-11-24 08:00  1.2 kB  2      1            kept
    cccccccccccc  2026-11-24 08:00  1.2 kB  2      1            pruned
    "
  `);
});

test('shows what a snapshot holds, where it came from and who used it', () => {
  const files = [
    { kind: 'program', path: 'run.sh', sha256: 'f'.repeat(64), sizeBytes: 1000 },
    { kind: 'link', path: 'current', sha256: '', sizeBytes: 0, target: 'run.sh' },
  ] as const;
  const use = {
    ...{ uuid: '00000000-0000-4000-8000-000000000001', rule: 'DST_CALO', count: 100, cluster: 5 },
    ...{ submittedBy: 'me@host', reservedAt: at, overridden: 'commit abc is not published' },
    origin: {
      checkouts: [
        {
          ...{ repo: 'https://example.org/payload.git', commit: 'abc', top: '/x', isPublished: false },
          differences: [{ path: 'run.sh', what: 'changed' as const }],
        },
      ],
      outside: ['/data/calibration.txt'],
    },
  };
  expect(renderPayload(row, files, [use])).toMatchInlineSnapshot(`
    "payload abcdef0123456789abcdef0123456789abcdef01: 2 files, 1.2 kB
    place   /site/payloads/abcdef0123456789abcdef0123456789abcdef01
    made    2026-11-24 08:00, last used 2026-11-24 08:00
    used by DST_CALO: 100 jobs, cluster 5, 2026-11-24 08:00 by me@host (00000000-0000-4000-8000-000000000001)
      from https://example.org/payload.git abc, not published, dirty:
        changed: run.sh
      from no checkout: /data/calibration.txt
      --doit overrode: commit abc is not published
    program   ffffffffffffffff run.sh
    link                       current -> run.sh
    "
  `);
});
