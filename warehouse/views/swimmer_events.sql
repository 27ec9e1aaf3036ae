-- Grain: one event of one subject of `swimmer`, in months since infusion with the clinical +1.
create or replace view swimmer_events as
with
bars as (
    select subject_id, position, os_months, os_event from swimmer
),
infused as (
    select subject_id, infusion_date, first_response_day, progression_date, withdrawal_date from outcomes
),
days as (
    select subject_id, 'first response' as event, first_response_day as study_day
    from infused
    union all
    select subject_id, 'progression', progression_date - infusion_date
    from infused
    union all
    select subject_id, 'withdrawal', withdrawal_date - infusion_date
    from infused
),
dated as (
    select subject_id, event, (study_day + 1) / 30.4375 as months
    from days
    where study_day is not null
),
ends as (
    select subject_id, case when os_event then 'death' else 'alive at last contact' end as event, os_months as months
    from bars
),
events as (
    select * from dated
    union all
    select * from ends
)
select
    subject_id,
    bars.position,
    events.event,
    events.months
from events
inner join bars using (subject_id)
order by position, months, event;
