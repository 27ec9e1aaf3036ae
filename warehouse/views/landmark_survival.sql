-- Grain: one landmark, overall survival by persistence there under the primary rule, the primary landmark first.
create or replace view landmark_survival as
with
comparisons as (
    select * from landmark_comparisons
    where endpoint = 'OS'
)
select * exclude (endpoint)
from comparisons
order by position;
