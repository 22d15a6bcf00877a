explain P01 policy-unconfined
