package limit_test

import (
	"fmt"
	"testing"

	"tegata/internal/limit"
)

func TestASourceIsStoppedAndNoOther(t *testing.T) {
	l := limit.NewSources(1, 3)
	for i := range 3 {
		if !l.Open("a") || !l.Count("a") {
			t.Fatalf("number %d is too much", i+1)
		}
	}
	if l.Open("a") || l.Count("a") {
		t.Error("number 4 is not")
	}
	if !l.Open("b") || !l.Count("b") {
		t.Error("another source is stopped with it")
	}
}

// Whoever has many addresses makes others be forgotten, and nothing grow.
func TestOnlyTheLatestSourcesAreRemembered(t *testing.T) {
	l := limit.NewSources(1, 1)
	l.Count("first")
	if l.Open("first") {
		t.Fatal("nothing is counted")
	}
	for i := range 10_000 {
		l.Count(fmt.Sprint(i))
	}
	if !l.Open("first") || l.Open("9999") {
		t.Error("the oldest is remembered, or the latest is not")
	}
}
