package train

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// The rates of torch.optim.lr_scheduler, made by testdata/schedules.py.
func TestSchedulesArePyTorchs(t *testing.T) {
	for name, tc := range pytorchRates {
		p := plateau{Rate: tc.lr}
		for i, want := range tc.rates {
			require.InDelta(t, want, tc.schedule.rate(tc.lr, i, i, len(tc.rates)-1, &p), 1e-9, "%s, step %d", name, i)
			if tc.losses != nil {
				tc.schedule.validated(&p, tc.losses[i])
			}
		}
	}
}
