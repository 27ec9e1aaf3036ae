-- Grain: one reason for which something about tubes does not fit, the most frequent first.
create or replace view tube_findings_by_reason as
with
findings as (
    select * from tube_findings
)
select
    reason,
    count(*) as n_findings,
    count(distinct tube_id) as n_tubes,
    count(distinct file_sha256) as n_files,
    (select count(distinct file_sha256) from cytometry_samples) as n_files_in_all
from findings
group by reason
order by n_findings desc, n_files desc, reason;
