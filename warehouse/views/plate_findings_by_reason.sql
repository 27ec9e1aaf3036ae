-- Grain: one reason for which something about plates does not fit, the most frequent first.
create or replace view plate_findings_by_reason as
with
findings as (
    select * from plate_findings
)
select
    reason,
    count(*) as n_findings,
    count(distinct plate_id) as n_plates,
    (select count(distinct plate_id) from plates) as n_plates_in_all
from findings
group by reason
order by n_plates desc, n_findings desc, reason;
