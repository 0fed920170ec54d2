/**
 * G3: the changelog begins with *Pending* or with the version of the package; within a section what breaks stands
 * first. To release, everything pending must have moved to a section of the version.
 */
export function checkChangelog(text: string, version: string, isRelease: boolean): readonly string[] {
  const sections = text
    .split(/^## /mu)
    .slice(1)
    .map((section) => {
      const [title = '', ...lines] = section.split('\n');
      return { title: title.trim(), entries: lines.filter((line) => line.startsWith('- ')) };
    });
  const complaints: string[] = [];
  const first = sections[0]?.title ?? '';
  if (first !== 'Pending' && !first.startsWith(version)) {
    complaints.push(`CHANGELOG.md: The first section is '${first}': expected 'Pending' or '${version}' (G3)`);
  }
  for (const { title, entries } of sections) {
    const harmless = entries.findIndex((entry) => !entry.startsWith('- BREAKING:'));
    if (harmless !== -1 && entries.slice(harmless).some((entry) => entry.startsWith('- BREAKING:'))) {
      complaints.push(`CHANGELOG.md: In '${title}' an entry 'BREAKING:' stands below a harmless one (G3)`);
    }
  }
  if (!isRelease) return complaints;
  if (sections.some(({ title }) => title === 'Pending')) {
    complaints.push(`CHANGELOG.md: There is a section 'Pending': name it '${version}' to release (G3)`);
  }
  if (!sections.some(({ title }) => title.startsWith(version))) {
    complaints.push(`CHANGELOG.md: There is no section '${version}' (G3)`);
  }
  return complaints;
}
