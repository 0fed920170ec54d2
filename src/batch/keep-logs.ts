/**
 * The shell script that keeps what a payload wrote into its log from being overwritten by the standard output (or error)
 * that the batch system puts into a file of the same name: behind what the job said itself comes the payload's log.
 *
 * Called in the job's directory with the files of standard output and error, once before the job and once after it. Where
 * they will go is in `SLURP_STDOUT` and `SLURP_STDERR`. A payload's log is a file of that name that was not there before
 * the job, or is another one now; or, failing that, one that was left in the job's directory. Ends with 0 always.
 *
 * One line, without single quotes: it stands in an attribute of a job, too.
 */
export const keepLogsScript = [
  'name() { [ -e "$1" ] && command -p stat -c %i/%s/%.Y "$1" 2>/dev/null || echo none; };',
  'keep() { case $1 in "" | /dev/null) return ;; esac;',
  'for file in "$1" "./${1##*/}"; do now=`name "$file"`;',
  'if [ -f "$file" ] && [ "$now" != "$3" ]; then command -p cat "$file" >>"$2"; return; fi; done; };',
  'if [ -e .slurp-logs ]; then { read -r out; read -r err; } <.slurp-logs;',
  'keep "$SLURP_STDOUT" "$1" "$out";',
  '[ "$SLURP_STDERR" = "$SLURP_STDOUT" ] || keep "$SLURP_STDERR" "$2" "$err";',
  'else { name "$SLURP_STDOUT"; name "$SLURP_STDERR"; } >.slurp-logs; fi; exit 0',
].join(' ');
