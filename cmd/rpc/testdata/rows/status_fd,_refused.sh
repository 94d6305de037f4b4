# The report on --status-fd says why a call never started.
#
# use: report

: >$D/ex/data
report $W nope
report $W data
report -e A=1 $W true
report -C /no/such $W true
report ./none true
report -e =1 $W true
report $W cat <.
:

# stdout:
#| {"outcome":"unknown","started":false,"status":127,"signal":"","worker":"$W","call":"","seconds":N,"user_seconds":N,"system_seconds":N}
#| {"outcome":"not-executable","started":false,"status":126,"signal":"","worker":"$W","call":"","seconds":N,"user_seconds":N,"system_seconds":N}
#| {"outcome":"denied","started":false,"status":126,"signal":"","worker":"$W","call":"","seconds":N,"user_seconds":N,"system_seconds":N}
#| {"outcome":"no-directory","started":false,"status":125,"signal":"","worker":"$W","call":"","seconds":N,"user_seconds":N,"system_seconds":N}
#| {"outcome":"unreachable","started":false,"status":125,"signal":"","worker":"./none","call":"","seconds":N,"user_seconds":N,"system_seconds":N}
#| {"outcome":"usage","started":false,"status":125,"signal":"","worker":"$W","call":"","seconds":N,"user_seconds":N,"system_seconds":N}
#| {"outcome":"usage","started":false,"status":125,"signal":"","worker":"$W","call":"","seconds":N,"user_seconds":N,"system_seconds":N}
