# The host channel stops where the guest's would.
translate tests/programs/bad-idal2-second-not-4k.json
