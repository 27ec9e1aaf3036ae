-- Grain: one expectation of one table in one attempt of the run that last checked the table.
create or replace view report_checks as
with
checks as (
    select * from quality_checks
),
run_order as (
    select run_id, committed_at from runs
),
last_checked as (
    select
        checks.table_name,
        -- A check of a run that is not in the ledger cannot be dated and yields to one that is.
        max_by(checks.run_id, coalesce(run_order.committed_at, timestamp '1970-01-01')) as run_id
    from checks
    left join run_order using (run_id)
    group by checks.table_name
),
tries as (
    select
        checks.*,
        -- Only the checks that a held file could change are tried again, so each check has its own last attempt.
        max(checks.attempt) over (partition by checks.table_name, checks.check_name) as last_attempt
    from checks
    inner join last_checked using (table_name, run_id)
)
select
    table_name,
    check_name,
    run_id,
    attempt,
    attempt = last_attempt as is_last_attempt,
    says,
    engine,
    severity,
    success,
    n_rows,
    n_unexpected,
    limit_percent,
    examples
from tries
order by success, severity, table_name, attempt, check_name;
