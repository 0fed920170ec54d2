/**
 * L7: the map in the README names the rooms and the directories that there are, no others.
 *
 * @param readme text of the README; the map is the code block that has the line `src/`
 * @param rooms names of the directories of `src/`
 * @param directories names of the directories beside `src/`
 */
export function checkMap(readme: string, rooms: readonly string[], directories: readonly string[]): readonly string[] {
  const block = readme.split('```').find((text) => /^src\/$/mu.test(text));
  if (block === undefined) return ["README.md: There is no map: a code block with the line 'src/' (L7)"];
  const named = [...block.matchAll(/^( *)([\w.-]+)\/(?=\s|$)/gmu)].map(([, indent, name]) => ({
    name: `${indent === '' ? '' : 'src/'}${name ?? ''}`,
  }));
  const there = ['src', ...rooms.map((room) => `src/${room}`), ...directories];
  const names = named.map(({ name }) => name);
  return [
    ...there.filter((name) => !names.includes(name)).map((name) => `README.md: The map leaves out '${name}/' (L7)`),
    ...names
      .filter((name) => !there.includes(name))
      .map((name) => `README.md: The map names '${name}/', which is not there (L7)`),
  ];
}
