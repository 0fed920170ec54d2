/** Submit commands that a rule need not write; `executable` has none, because the wrapper stands in its place. */
export const jobDefaults: Readonly<Record<string, string>> = {
  universe: 'vanilla',
  arguments: '$(nevents) $(run) $(seg) $(lfn) $(indir) $(dst) $(outdir) $(buildarg) $(tag) $(ClusterId) $(ProcId)',
  batch_name: '$(name)_$(build)_$(tag)_$(version)',
  log: '$(condor)/$(name)_$(build)_$(tag)-$INT(run,%08i)-$INT(seg,%05i).condor',
  // The original's 'NumJobStarts>=1' would hold a job that the rule lets start again (`max_retries`) as well.
  periodichold: '(NumJobStarts > NumJobCompletions && JobStatus == 1)',
  priority: '1958',
  job_lease_duration: '3600',
  requirements: '(CPU_Type == "mdc2")',
  request_cpus: '1',
  request_memory: '$(mem)',
  should_transfer_files: 'YES',
  output_destination: 'file://./output/',
  when_to_transfer_output: 'ON_EXIT',
  transfer_output_files: '""',
  transferout: 'false',
  transfererr: 'false',
};

/** Submit commands that a rule may write beside those that have a default. */
const otherCommands = [
  'executable',
  'output',
  'error',
  'request_disk',
  'initialdir',
  'accounting_group',
  'accounting_group_user',
  'transfer_output_remaps',
  'transfer_input_files',
  'user_job_wrapper',
  'max_retries',
  'request_xferslots',
  'periodicremove',
] as const;

/** The keys of `job` that the original knew. */
export const knownJobKeys: ReadonlySet<string> = new Set([...Object.keys(jobDefaults), ...otherCommands]);

/** Further commands of HTCondor that a rule may use: passed on as they are. */
export const furtherJobKeys: ReadonlySet<string> = new Set(
  `
  accounting_group allowed_execute_duration allowed_job_duration allow_failed_jobs batch_extra_submit_args
  batch_project batch_queue batch_runtime concurrency_limits concurrency_limits_expr container_image
  container_service_names copy_to_spool coresize cron_day_of_month cron_day_of_week cron_hour cron_minute cron_month
  cron_prep_time cron_window deferral_prep_time deferral_time deferral_window description docker_image
  docker_network_type encrypt_execute_directory encrypt_input_files encrypt_output_files environment env
  erase_output_and_error_on_restart getenv gpus_maximum_capability gpus_minimum_capability gpus_minimum_memory
  gpus_minimum_runtime hold hook_keyword image_size input job_ad_information_attrs job_machine_attrs
  job_machine_attrs_history_length job_max_vacate_time jobbatchname jobprio keep_claim_idle kill_sig
  kill_sig_timeout leave_in_queue log_xml match_list_length manifest manifest_dir max_idle max_job_retirement_time
  max_materialize max_transfer_input_mb max_transfer_output_mb mount_under_scratch nice_user noop_job
  noop_job_exit_code noop_job_exit_signal notification notify_user on_exit_hold on_exit_hold_reason
  on_exit_hold_subcode on_exit_remove periodic_hold periodic_hold_reason periodic_hold_subcode periodic_release
  periodic_remove periodic_remove_reason periodic_vacate preserve_relative_executable preserve_relative_paths prio
  public_input_files rank remove_kill_sig require_gpus retry_until retry_request_memory run_as_owner
  shell starter_debug starter_log stdin skip_filechecks stack_size starter_log stream_error stream_input
  stream_output submit_event_notes submit_event_user_notes success_exit_code suspend_job_at_exec transfer_checkpoint_files
  transfer_container transfer_error transfer_executable transfer_input transfer_output transfer_plugins
  core_size hold_kill_sig stdout stderr dont_encrypt_input_files dont_encrypt_output_files email_attributes
  checkpoint_exit_code checkpoint_destination use_x509userproxy ulog_execute_attrs remote_initialdir buffer_size
  buffer_block_size append_files disk_usage next_job_start_delay tool_daemon_cmd tool_daemon_args
  use_oauth_services want_graceful_removal want_io_proxy x509userproxy request_gpus cpus gpus memory disk
  `
    .trim()
    .split(/\s+/),
);

const middle = '$(runname)/$(runtype)/$(build)_$(tag)_$(version)/{leafdir}/run_$(rungroup)';

/** Directories where a rule names none; `indir` was never filled, and a job's arguments must not lose a word. */
export const filesystemDefaults: Readonly<Record<string, string>> = {
  outdir: `/sphenix/lustre01/sphnxpro/production/${middle}/dst`,
  logdir: `file:///sphenix/data/data02/sphnxpro/production/${middle}/log`,
  histdir: `/sphenix/data/data02/sphnxpro/production/${middle}/hist`,
  calibdir: `/sphenix/data/data02/sphnxpro/production/${middle}/calib`,
  condor: `/tmp/production/${middle}/log`,
  indir: '.',
};

/** The entries of `filesystem` that are made before a submission. */
export const madeDirectories = ['outdir', 'logdir', 'condor', 'histdir', 'calibdir'] as const;
