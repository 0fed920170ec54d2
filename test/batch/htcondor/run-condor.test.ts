import { expect, test } from 'vitest';

import { condorMessageOf } from '#batch/htcondor/run-condor.ts';

test('keeps the message of condor, in one line, without warnings and explanations', () => {
  const away = `
-- Failed to fetch ads from: <127.0.0.1:29618> : host
SECMAN:2007:Failed to end classad message.

WARNING: the line 'a = b' was unused
`;
  expect(condorMessageOf(away)).toBe(
    '-- Failed to fetch ads from: <127.0.0.1:29618> : host SECMAN:2007:Failed to end classad message.',
  );
  const lecture = `Error: Can't find address for schedd host

Extra Info: You probably saw this error because the condor_schedd is not
running on the machine you are trying to query.

Extra Info: If the condor_schedd is running on the machine
you must use the -name option.
`;
  expect(condorMessageOf(lecture)).toBe("Error: Can't find address for schedd host");
  expect(condorMessageOf(`${lecture}\nsomething else\n`)).toBe(
    "Error: Can't find address for schedd host something else",
  );
});
