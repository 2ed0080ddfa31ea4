package train

import (
	"context"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/export"
	"github.com/onda-ml/onda/lstmattn"
)

// killedDir tells the test binary that it is to train there and be killed.
const killedDir = "ONDA_TEST_TRAIN_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(killedDir); dir != "" {
		os.Exit(trainUntilKilled(dir))
	}
	os.Exit(m.Run())
}

// longTask is a training that takes a while and writes checkpoints all the
// time.
func longTask(t testing.TB) *task {
	return newTask(t, func(c *lstmattn.Config, cfg *Config) {
		c.Dropout = .2
		cfg.Epochs, cfg.Patience, cfg.CheckpointSteps, cfg.ValidateSteps, cfg.EMADecay = 12, 0, 2, 7, .95
	})
}

func trainUntilKilled(dir string) int {
	m := &testing.T{}
	if _, err := longTask(m).run(context.Background(), &Options{Dir: dir, Resume: true}); err != nil {
		os.Stderr.WriteString(err.Error() + "\n")
		return 1
	}
	return 0
}

// A training that is killed at any moment, over and over, and resumed, ends
// with the bits of one that was not killed.
func TestKilledTrainingResumesToTheSameBits(t *testing.T) {
	whole := longTask(t)
	want := filepath.Join(t.TempDir(), "want")
	_, err := whole.run(context.Background(), &Options{Dir: want})
	require.NoError(t, err)

	dir := filepath.Join(t.TempDir(), "killed")
	kills, r := 0, rand.New(rand.NewPCG(1, 2))
	for finished := false; !finished; {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), killedDir+"="+dir)
		cmd.Stderr = os.Stderr
		require.NoError(t, cmd.Start())
		done := make(chan error, 1)
		go func() { done <- cmd.Wait() }()
		wait := time.Duration(20+r.IntN(100)) * time.Millisecond
		if kills == 10 {
			wait = time.Hour
		}
		select {
		case err := <-done:
			require.NoError(t, err)
			finished = true
		case <-time.After(wait):
			if cmd.Process.Kill() == nil {
				kills++
			}
			<-done
		}
	}
	t.Logf("killed %d times", kills)
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, left, 3, "nothing is left beside the model's two files and the checkpoint")
	for _, name := range []string{export.TensorsFile, export.ConfigFile} {
		a, err := os.ReadFile(filepath.Join(want, name))
		require.NoError(t, err)
		b, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		require.True(t, string(a) == string(b), "%s differs", name)
	}
	a, err := readCheckpoint(filepath.Join(want, CheckpointFile))
	require.NoError(t, err)
	b, err := readCheckpoint(filepath.Join(dir, CheckpointFile))
	require.NoError(t, err)
	require.Equal(t, a, b, "the optimiser's memory, too")
}
