/** What is added to a run of `rules.yaml` in the variants: their inputs and products are others. */
export const variantRuns = 1000;

/**
 * Makes variants of the rules of `rules.yaml`: each has an executable of its own, splits argument 9, takes its payload from
 * `payloads/own`, and reads files of other runs.
 */
export function varyRules(text: string): string {
  const own = `     executable            : "{payload}/run.sh"
     transfer_input_files  : "{payload},cups.py,bachi.py,odbc.ini"
`;
  return text
    .split(/(?=^[A-Z]+:$)/mu)
    .map((rule) => (/^ +executable/mu.test(rule) ? rule : rule.replace(/^ +job:\n/mu, `$&${own}`)))
    .map((rule) => (rule.includes('dbinput') ? rule : rule.replace(/^( +)params:\n/mu, '$&$1  dbinput: false\n')))
    .join('')
    .replaceAll('./payloads/', './payloads/own/')
    .replaceAll(/(?<=-)\d{8}(?=-)/gu, (run) => String(Number(run) + variantRuns).padStart(8, '0'));
}
