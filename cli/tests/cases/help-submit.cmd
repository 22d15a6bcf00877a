help submit
