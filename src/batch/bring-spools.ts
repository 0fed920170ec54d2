/**
 * The shell script that copies reports of a job that were not acknowledged yet to where the site looks for it: for jobs
 * that run without our launcher, and for all that are killed before it could.
 *
 * Called in the job's directory; `$3` is the site's spool directory. A copy is seen whole or not at all; one that is there
 * already is replaced by a longer one of the same job, never by another's. May be done twice.
 *
 * One line, without single quotes or `$(`: it stands in an attribute of a job.
 */
export const bringSpoolsScript = [
  'for spool in ./spool-*.jsonl; do { [ -s "$spool" ] && read -r ours <"$spool"; } || continue;',
  'base=${spool%-*}; base=${base#./}; start=${spool##*-}; start=${start%.jsonl};',
  'while target=$3/$base-$start.jsonl; { [ -s "$target" ] && read -r theirs <"$target"; } && [ "$ours" != "$theirs" ];',
  'do start=`command -p expr "$start" + 1000000`; done;',
  'size=`command -p stat -c %s "$spool"`; known=`command -p stat -c %s "$target" 2>/dev/null`;',
  '[ "${known:-0}" -ge "$size" ] || { command -p cp "$spool" "$target.post" && command -p mv "$target.post" "$target"; };',
  'done',
].join(' ');
