-- Grain: one reason on one plate and analyte, with the places it was found at.
create or replace view plate_findings_by_plate as
with
findings as (
    select * from plate_findings
),
placed as (
    select
        *,
        -- Wells by row and column: B2 comes before B10.
        row_number() over (
            partition by reason, plate_id, analyte
            order by left(place, 1), length(place), place
        ) as position
    from findings
)
select
    reason,
    plate_id,
    analyte,
    count(*) as n_findings,
    list(place order by position) as places,
    arg_min(detail, position) as first_detail,
    count(distinct detail) as n_details
from placed
group by reason, plate_id, analyte
order by reason, plate_id, analyte;
