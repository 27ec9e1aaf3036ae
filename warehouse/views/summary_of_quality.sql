-- Grain: one row, how much came in, was held back, failed a check or is missing.
create or replace view summary_of_quality as
with
inbox_files as (
    select state from files
),
split_off as (
    select file_sha256, place, table_name from rejects
),
checks as (
    select
        table_name,
        check_name,
        severity,
        not bool_and(success) as has_failed,
        bool_or(not success and is_last_attempt) as still_fails
    from report_checks
    group by table_name, check_name, severity
),
expected as (
    select * from specimens_by_visit
),
file_counts as (
    select
        count(*) as n_files,
        count(*) filter (state = 'accepted') as n_accepted,
        count(*) filter (state = 'accepted_with_rejects') as n_accepted_with_rejects,
        count(*) filter (state = 'quarantined') as n_held,
        count(*) filter (state in ('duplicate', 'superseded', 'ignored')) as n_set_aside
    from inbox_files
),
reject_count as (
    select count(distinct (file_sha256, table_name, place)) as n_rejected_rows from split_off
),
check_counts as (
    select
        count(*) as n_checks,
        count(*) filter (has_failed and severity = 'critical') as n_critical_failed,
        count(*) filter (still_fails and severity = 'critical') as n_critical_failing,
        count(*) filter (has_failed and severity = 'warning') as n_warning_failed
    from checks
),
specimen_counts as (
    select
        coalesce(sum(n_due), 0)::bigint as n_due,
        coalesce(sum(n_received), 0)::bigint as n_received,
        coalesce(sum(n_absent), 0)::bigint as n_absent,
        coalesce(sum(n_absent_unexplained), 0)::bigint as n_absent_unexplained,
        coalesce(sum(n_not_due), 0)::bigint as n_not_due
    from expected
)
select *
from file_counts
cross join reject_count
cross join check_counts
cross join specimen_counts;
