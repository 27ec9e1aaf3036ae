-- Grain: one reason in one file, with the samples, tubes or paths it was found at.
create or replace view tube_findings_by_file as
with
findings as (
    select * from tube_findings
),
paths as (
    select file_sha256, path from archived_files
)
select
    findings.reason,
    findings.file_sha256,
    coalesce(any_value(paths.path), left(findings.file_sha256, 12)) as path,
    count(*) as n_findings,
    list(findings.place order by findings.place) as places,
    arg_min(findings.detail, findings.place) as first_detail,
    count(distinct findings.detail) as n_details
from findings
left join paths using (file_sha256)
group by findings.reason, findings.file_sha256
order by findings.reason, path, findings.file_sha256;
