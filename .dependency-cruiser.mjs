// The import law (style 2.2): a file imports its own room and lower floors, never up, never a neighbour.

/** @type {readonly (readonly string[])[]} The rooms of src/ by floor, from the ground up. */
const floors = [
  ['model', 'util'],
  ['rules', 'db', 'batch', 'job', 'config', 'cli'],
  ['dispatch', 'ingest', 'reports', 'adopt', 'notify'],
  ['settle'],
  ['gateway', 'pass'],
  ['serve', 'loop'],
  ['commands'],
];

const oneOf = (names) => `(?:${names.join('|')})`;

const floorRules = floors.flatMap((rooms, floor) =>
  rooms.map((room) => ({
    name: `floor-of-${room}`,
    severity: 'error',
    comment: `M1: '${room}' stands on floor ${floor}: it imports itself and lower floors only`,
    from: { path: `^src/${room}/` },
    to: { path: '^src/', pathNot: `^src/${oneOf([room, ...floors.slice(0, floor).flat()])}/` },
  })),
);

/** Only `door` may import the package (or module of Node) `what`. */
const oneDoor = (name, what, door, comment) => ({
  name: `one-door-${name}`,
  severity: 'error',
  comment: `M5: ${comment}`,
  from: { path: '^src/', pathNot: door },
  to: { path: what },
});

const inPackage = (name) => `(?:^|/)node_modules/(?:@types/)?${name}/`;

export default {
  forbidden: [
    ...floorRules,
    {
      name: 'known-room',
      severity: 'error',
      comment: 'M1: a room that stands on no floor; put it on one in .dependency-cruiser.mjs and in the README',
      from: { path: '^src/', pathNot: `^src/${oneOf(floors.flat())}/` },
      to: {},
    },
    {
      name: 'no-circles',
      severity: 'error',
      comment: 'M2: no circles of value imports',
      from: { path: '^src/' },
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'pure-model',
      severity: 'error',
      comment: 'M3: model imports no module of Node, no package, no other room',
      // Shapes that rule files and site files share.
      from: { path: '^src/model/', pathNot: '^src/model/shape/' },
      to: { pathNot: '^src/model/' },
    },
    {
      name: 'worker-reaches-gateway-only',
      severity: 'error',
      comment: 'M4: what runs on a worker node can not even reach the database, the batch system or the rules',
      from: { path: '^src/(?:job/|commands/(?:cups|pull|bachi)\\.ts$)' },
      to: {
        path: '^src/(?:adopt|db|batch|rules|dispatch|ingest|reports|settle|gateway|pass|serve|loop|notify|config)/',
        reachable: true,
      },
    },
    oneDoor('pg', inPackage('pg'), '^src/db/connect\\.ts$', 'pg only in db/connect.ts'),
    oneDoor('pg-parts', inPackage('(?:pg-copy-streams|pg-cursor|kysely)'), '^src/db/', 'database packages only in db'),
    oneDoor('yaml', inPackage('yaml'), '^src/(?:util/yaml|config/site-file)/', 'yaml only where files are read'),
    oneDoor('sql-parser', inPackage('libpg-query'), '^src/rules/', 'the SQL parser only in rules'),
    oneDoor('options', inPackage('commander'), '^src/(?:commands|cli)/', 'commander only in commands and cli'),
    oneDoor(
      'terminal',
      inPackage('(?:pino|cli-progress|cli-table3)'),
      '^src/cli/',
      'log, progress and tables only in cli',
    ),
    oneDoor('http-server', inPackage('fastify'), '^src/gateway/', 'the HTTP server only in gateway'),
    oneDoor(
      'programs',
      '^(?:node:)?child_process$',
      '^src/util/(?:run-command|process/start-detached)\\.ts$',
      'programs are started in util/run-command.ts (util/process/start-detached.ts)',
    ),
    oneDoor(
      'adopt',
      '^src/adopt/',
      '^src/(?:adopt/|serve/start-supervisor\\.ts$|commands/slurp/slurp-migrate\\.ts$)',
      'the room is to be deleted one day: these two then call db/migrate.ts',
    ),
    {
      name: 'other-room-by-name',
      severity: 'error',
      comment: "M6: another room is imported as '#room/file.ts'",
      from: { path: '^src/([^/]+)/' },
      to: { path: '^src/', pathNot: '^src/$1/', dependencyTypesNot: ['aliased-subpath-import'] },
    },
    {
      name: 'own-room-by-path',
      severity: 'error',
      comment: "M6: the own room is imported as './file.ts'; a sub-room may say '#room/file.ts' too",
      from: { path: '^src/([^/]+)/[^/]+$' },
      to: { path: '^src/$1/', dependencyTypes: ['aliased-subpath-import'] },
    },
    {
      name: 'reached-by-a-test',
      severity: 'error',
      comment: 'T1: every file of src/ is reached by a test (the doors themselves are run as programs)',
      from: { path: '^test/' },
      to: { path: '^src/', pathNot: '^src/commands/', reachable: false },
    },
    {
      name: 'no-tools-in-the-product',
      severity: 'error',
      comment: 'src imports neither tests nor scripts nor packages that are there for development alone',
      from: { path: '^src/' },
      to: {
        path: '^(?:test|scripts|bench)/|node_modules',
        dependencyTypes: ['npm-dev', 'local', 'aliased-subpath-import', 'npm-no-pkg', 'npm-unknown'],
        pathNot: '^src/|node_modules/@types/',
      },
    },
    {
      name: 'resolvable',
      severity: 'error',
      comment: 'An import that leads nowhere',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(?:dist|demo|demo-htcondor|coverage)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
      extensions: ['.ts', '.mjs', '.js', '.json'],
    },
  },
};
