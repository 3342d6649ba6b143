package sandbox_test

import (
	"testing"
	"time"
	"unicode/utf8"

	"tegata/internal/pki"
	"tegata/sandbox"
)

// The people are there so that each hard case of a country can be met by hand.
func TestThePeopleCoverTheHardCases(t *testing.T) {
	municipalities, people, err := sandbox.People()
	if err != nil {
		t.Fatal(err)
	}
	if len(people) < 12 || len(municipalities) != 2 {
		t.Fatalf("%d people in %d municipalities", len(people), len(municipalities))
	}
	now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	has := map[string]int{}
	households, sameNameAndBirth, ids := map[string]int{}, map[string]int{}, map[string]bool{}
	for _, p := range people {
		birth, err := p.BirthDate()
		if err != nil {
			t.Errorf("%s: %v", p.ID, err)
		}
		if ids[p.ID] {
			t.Errorf("%s stands twice", p.ID)
		}
		ids[p.ID] = true
		if p.NameSubstitution != "" && len(p.NameSubstitution) != utf8.RuneCountInString(p.Name) {
			t.Errorf("%s: the substitution map does not fit the name", p.ID)
		}
		households[p.Household]++
		sameNameAndBirth[p.Name+p.Birth]++
		count := func(word string, is bool) {
			if is {
				has[word]++
			}
		}
		count("under 15", pki.Age(birth, now) < 15)
		count("15 to 17", pki.Age(birth, now) >= 15 && pki.Age(birth, now) < 18)
		count("over 75", pki.Age(birth, now) > 75)
		count("alias", p.Alias != "")
		count("outside JIS X 0213", p.NameOriginal != "")
		count("moved", p.Event == "moved")
		count("card lost", p.Event == "card-lost")
		count("expired", p.CardMadeYearsAgo > 5)
		count("protected", p.Protected)
		count("first", p.First)
		count("registered phone", p.RegisteredPhone)
	}
	for _, word := range []string{"under 15", "15 to 17", "over 75", "alias", "outside JIS X 0213", "moved", "card lost", "expired", "protected", "first", "registered phone"} {
		if has[word] == 0 {
			t.Errorf("nobody is a case of: %s", word)
		}
	}
	if largest(households) < 3 || largest(sameNameAndBirth) < 2 {
		t.Error("a family of three, and two people of one name and birth date, are missing")
	}
}

func largest(counts map[string]int) (n int) {
	for _, c := range counts {
		n = max(n, c)
	}
	return n
}
