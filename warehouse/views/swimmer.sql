-- Grain: one infused subject with follow-up, longest survival first.
create or replace view swimmer as
with
infused as (
    select * from outcomes
    where is_infused and os_days is not null
)
select
    subject_id,
    coalesce(best_overall_response, 'NE') as best_overall_response,
    case is_responder when true then 'responder' when false then 'non-responder' else 'not evaluable' end
        as response_group,
    os_days,
    os_months,
    os_event,
    row_number() over (order by os_days desc, subject_id) as position
from infused
order by position;
