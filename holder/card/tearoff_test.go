package card_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"tegata/holder/card"
	"tegata/holder/card/cardtest"
	"tegata/internal/durable"
	"tegata/internal/pki"
	"tegata/internal/secret"
)

// TestTornOffCard is no test but the process that dies: it opens the card in the
// directory that it is given, sends one script, and kills itself at the moment
// of writing that it is given.
func TestTornOffCard(t *testing.T) {
	dir, script := os.Getenv("TORN_OFF_CARD"), os.Getenv("TORN_OFF_SCRIPT")
	if dir == "" {
		t.Skip("run by the tear-off tests")
	}
	stop, _ := strconv.Atoi(os.Getenv("TORN_OFF_MOMENT"))
	place := openPlace(t, dir)
	moment := 0
	place.Files = durable.Files{Hook: func(durable.Moment) {
		if moment++; moment == stop {
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}}
	c, err := card.Open(place)
	if err != nil {
		t.Fatal(err)
	}
	moment = 0
	run(t, c, script)
	os.WriteFile(filepath.Join(dir, "moments"), []byte(strconv.Itoa(moment)), 0o600)
}

func openPlace(t *testing.T, dir string) card.Place {
	t.Helper()
	sealer, err := secret.OpenSealer(filepath.Join(dir, "key"), secret.Sandbox)
	if err != nil {
		t.Fatal(err)
	}
	return card.Place{Sealer: sealer, Path: filepath.Join(dir, "card"), CounterPath: filepath.Join(dir, "counter")}
}

// tear runs script in a process that dies at its moment-th moment of writing; 0
// lets it finish and returns how many moments there were.
func tear(t *testing.T, dir, script string, moment int) int {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestTornOffCard$")
	cmd.Env = append(os.Environ(), "TORN_OFF_CARD="+dir, "TORN_OFF_SCRIPT="+script, "TORN_OFF_MOMENT="+strconv.Itoa(moment))
	out, err := cmd.CombinedOutput()
	if moment > 0 {
		exit, ok := err.(*exec.ExitError)
		if !ok || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
			t.Fatalf("the process did not die at moment %d: %v\n%s", moment, err, out)
		}
		return moment
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	b, err := os.ReadFile(filepath.Join(dir, "moments"))
	if err != nil {
		t.Fatal(err)
	}
	n, _ := strconv.Atoi(string(b))
	return n
}

func tries(t *testing.T, dir string) int {
	t.Helper()
	c, err := card.Open(openPlace(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	return c.TriesLeft(pki.CardAuth)
}

const (
	wrongTry = "<select jpki> => 9000\n<wrong pin> => 63C2"
	rightTry = "<select jpki> => 9000\n<pin> => 9000"
)

// Whoever cuts the power at any moment of a VERIFY has lost a try, or the card
// had not compared yet; nobody has more tries than before.
func TestAPulledPlugGivesNoTry(t *testing.T) {
	total := 0
	for _, test := range []struct {
		name, script string
		after        int // tries left when nothing is torn off
	}{
		{"a wrong PIN", wrongTry, 2},
		{"the right PIN", rightTry, 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			fresh := func() string { return filepath.Dir(cardtest.New(t, cardtest.Options{}).Place.Path) }
			dir := fresh()
			n := tear(t, dir, test.script, 0)
			if got := tries(t, dir); got != test.after {
				t.Fatalf("%d tries left, want %d", got, test.after)
			}
			counted := 0
			var seen []int
			for moment := 1; moment <= n; moment++ {
				dir := fresh()
				tear(t, dir, test.script, moment)
				left := tries(t, dir)
				seen = append(seen, left)
				if left != 2 && left != 3 {
					t.Fatalf("moment %d of %d: %d tries left", moment, n, left)
				}
				// A try that was counted stays counted until it was found right
				// and that is written down.
				if left == 2 {
					counted++
				} else if counted > 0 && counted < 6 {
					t.Fatalf("moment %d of %d: a counted try came back: %v", moment, n, seen)
				}
			}
			if counted < 4 || seen[n-1] != test.after {
				t.Errorf("tries left after each moment: %v", seen)
			}
			total += n
		})
	}
	fmt.Fprintf(t.Output(), "tear-off: %d moments of writing\n", total)
}

// The same card torn off again and again: the tries only go down.
func TestTearingOffAgainAndAgainRunsOutOfTries(t *testing.T) {
	dir := filepath.Dir(cardtest.New(t, cardtest.Options{}).Place.Path)
	before := tries(t, dir)
	for _, moment := range []int{1, 2, 3, 4, 1, 5, 2, 6} {
		if before == 0 {
			break
		}
		tear(t, dir, "<select jpki> => 9000\n<wrong pin> => 63C2", moment)
		left := tries(t, dir)
		if left > before || left < before-1 {
			t.Fatalf("moment %d: %d tries after %d", moment, left, before)
		}
		before = left
	}
	if before != 0 {
		t.Errorf("%d tries left, want none", before)
	}
}
