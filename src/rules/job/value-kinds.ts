// What HTCondor says of each of these was asked of condor_submit 23.9 (-dry-run): nothing that works is refused here.
// It takes any value of container_image, docker_image, input and stdin (36 tried).

/** Commands that take one of a few words, in any case. */
export const wordValues: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    universe: ['vanilla', 'container', 'docker', 'grid', 'java', 'local', 'parallel', 'scheduler', 'vm'],
    should_transfer_files: ['YES', 'NO', 'IF_NEEDED', 'ALWAYS', 'NEVER', 'AUTO', 'TRUE', 'FALSE'],
    when_to_transfer_output: ['ON_EXIT', 'ON_EXIT_OR_EVICT', 'ON_SUCCESS', 'NEVER'],
    notification: ['never', 'always', 'complete', 'error'],
  }),
);

const toWordSet = (words: string): ReadonlySet<string> => new Set(words.trim().split(/\s+/u));

/** Commands whose expression HTCondor works out to a whole number at submission. */
export const integerValues = toWordSet(`
  priority prio jobprio max_retries max_materialize max_idle success_exit_code coresize match_list_length
  job_machine_attrs_history_length`);

/** Submit commands that take `true` or `false`, and that a rule may set. */
export const booleanValues = toWordSet(`
  hold nice_user stream_input stream_output stream_error want_io_proxy run_as_owner preserve_relative_paths
  encrypt_execute_directory erase_output_and_error_on_restart skip_filechecks manifest log_xml transfer_container`);

/** Whether they are sent depends on what else the job says. */
export const transferValues = toWordSet('transferout transfererr transfer_output transfer_error');

/** Amounts of something: a number or an expression. */
export const amountKeys = /^(?:request_\w+|job_lease_duration|allowed_(?:job|execute)_duration)$/u;

const namedExpressions = toWordSet(`
  periodic_hold periodic_release periodic_remove periodic_vacate periodichold periodicrelease periodicremove
  on_exit_hold on_exit_remove onexithold onexitremove on_exit_hold_reason on_exit_hold_subcode periodic_hold_reason
  periodic_hold_subcode retry_until requirements rank leave_in_queue concurrency_limits_expr job_max_vacate_time
  max_job_retirement_time keep_claim_idle deferral_time noop_job noop_job_exit_code noop_job_exit_signal stack_size
  max_transfer_input_mb max_transfer_output_mb want_graceful_removal`);

/** Whether HTCondor takes the value for a ClassAd expression, whatever else the job says. */
export function isExpressionKey(key: string): boolean {
  return namedExpressions.has(key) || /^(?:\+|my\.)/iu.test(key);
}

/** Expressions that HTCondor reads only where the job has another command as well. */
export const dependentExpressions = toWordSet(`
  deferral_window deferral_prep_time cron_window cron_prep_time require_gpus gpus_minimum_memory gpus_minimum_runtime
  gpus_minimum_capability gpus_maximum_capability`);

/** Signals that HTCondor knows by name; of their numbers on Linux it does not know 16, 26 and 30. */
const signals = toWordSet(`
  SIGHUP SIGINT SIGQUIT SIGILL SIGTRAP SIGABRT SIGBUS SIGFPE SIGKILL SIGUSR1 SIGSEGV SIGUSR2 SIGPIPE SIGALRM SIGTERM
  SIGCHLD SIGCONT SIGSTOP SIGTSTP SIGTTIN SIGTTOU SIGURG SIGXCPU SIGXFSZ SIGPROF SIGWINCH SIGIO SIGSYS`);

/** How the values of one submit command are checked, and the words for what was expected. */
export interface ValueForm {
  /** Behind "expected". */
  readonly expected: string;
  isRight(text: string): boolean;
}

const signal: ValueForm = { expected: 'a signal, e.g. SIGTERM or 15', isRight: isSignal };
const name: ValueForm = { expected: 'a name without spaces', isRight: (text) => !/\s/u.test(text) };
const variables: ValueForm = { expected: `NAME=VALUE, e.g. "A=1 B='x y'"`, isRight: isEnvironment };

/** Commands whose values have a form of their own. */
export const formedValues: ReadonlyMap<string, ValueForm> = new Map([
  ['kill_sig', signal],
  ['remove_kill_sig', signal],
  ['hold_kill_sig', signal],
  ['accounting_group', name],
  ['accounting_group_user', name],
  ['concurrency_limits', { expected: 'names such as sw_a, or sw_a:2, with commas between them', isRight: isLimitList }],
  ['image_size', { expected: 'a positive size, e.g. 500 MB', isRight: isPositiveSize }],
  ['environment', variables],
  ['env', variables],
]);

function isLimitList(text: string): boolean {
  const names = text.split(/[\s,]+/u).filter((one) => one !== '');
  return names.every((one) => /^[a-z_]\w*(?:\.[a-z_]\w*)?(?::.*)?$/i.test(one));
}

function isSignal(text: string): boolean {
  const number = /^\d+/u.exec(text)?.[0];
  return number === undefined
    ? signals.has(text.toUpperCase())
    : Number(number) >= 1 && Number(number) <= 31 && ![16, 26, 30].includes(Number(number));
}

function isPositiveSize(text: string): boolean {
  const number = /^(\d+\.?\d*|\.\d+)\s*(?:[KMGT]B?)?$/iu.exec(text)?.[1];
  return number !== undefined && Number(number) > 0;
}

/** Either form of `environment`; what stands behind the closing quote, and quotes that are not closed, are refused. */
function isEnvironment(text: string): boolean {
  if (!text.startsWith('"')) return text.split(';').every((one) => one.trim() === '' || /^\s*[^=\s][^=]*=/u.test(one));
  if (!/^"(?:[^"]|"")*"$/u.test(text)) return false;
  const words = text.slice(1, -1).replaceAll('""', '"').trim();
  const found = words.match(/(?:[^\s']|'(?:[^']|'')*')+/gu) ?? [];
  return (
    found.join('') === words.replaceAll(/'(?:[^']|'')*'|\s+/gu, (one) => (one.startsWith("'") ? one : '')) &&
    found.every((word) => /^[^=]+=/u.test(word))
  );
}
