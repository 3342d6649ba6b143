package guide

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"

	"tegata/internal/ui"
)

// Procedures that are not walked through have no film.
var withoutFilm = map[string]bool{"trouble": true, "look-inside": true}

var ids = regexp.MustCompile(`^[a-z][a-z-]*$`)

func both(t *testing.T, what string, words ui.Text) {
	t.Helper()
	if strings.TrimSpace(words.JA) == "" || strings.TrimSpace(words.EN) == "" {
		t.Errorf("%s: in both languages, got %q and %q", what, words.JA, words.EN)
	}
}

// Every chapter says what it is, in both languages, with pictures that are there and a film that is small.
func TestEveryChapterIsWhole(t *testing.T) {
	g, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	used := map[string]bool{}
	for i, c := range g.Chapters {
		if !ids.MatchString(c.ID) || seen[c.ID] {
			t.Errorf("chapter %q: an address of its own", c.ID)
		}
		seen[c.ID] = true
		if i == 0 || c.Part != (ui.Text{}) {
			both(t, c.ID+", its part", c.Part)
		}
		both(t, c.ID, c.Text)
		both(t, c.ID+", what it is about", c.About)
		if len(c.Pictures) == 0 && !c.Practice {
			t.Errorf("%s: no pictures", c.ID)
		}
		for _, p := range c.Pictures {
			both(t, p.Name, p.Text)
			used[p.Name+".png"] = true
			if p.Width < 390 || p.Height < 390 {
				t.Errorf("%s.png is %d by %d", p.Name, p.Width, p.Height)
			}
			if !strings.Contains(string(readme), "]("+p.Name+".png)") {
				t.Errorf("%s is not in README.md: run TEGATA_GUIDE=1 test/browser/run", p.Name)
			}
		}
		if withoutFilm[c.ID] {
			continue
		}
		if c.Film == "" || c.Seconds < 5 || c.Still.Width < 390 {
			t.Errorf("%s: film %q of %d s, whose first frame is %d wide", c.ID, c.Film, c.Seconds, c.Still.Width)
			continue
		}
		used[c.Film+".webm"], used[c.Film+".png"] = true, true
		if film, err := fs.ReadFile(files, c.Film+".webm"); err != nil || len(film) > 400_000 {
			t.Errorf("%s: %d bytes are too many inside the binary; %v", c.Film, len(film), err)
		}
	}
	all, err := fs.Glob(files, "*.*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range all {
		if !strings.HasSuffix(name, ".json") && !used[name] {
			t.Errorf("%s is in the binary, and no chapter shows it", name)
		}
	}
}

// Every question has its answer in both languages, and leads somewhere or nowhere.
func TestEveryQuestionIsAnswered(t *testing.T) {
	g, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	chapters := map[string]bool{}
	for _, c := range g.Chapters {
		chapters["/help/"+c.ID] = true
	}
	seen := map[string]bool{}
	for _, q := range g.Questions {
		if !ids.MatchString(q.ID) || seen[q.ID] {
			t.Errorf("question %q: an id of its own", q.ID)
		}
		seen[q.ID] = true
		both(t, q.ID, q.Q)
		both(t, q.ID+", answered", q.A)
		if strings.HasPrefix(q.Link, "/help/") && !chapters[q.Link] {
			t.Errorf("%s leads to %s, which is no chapter", q.ID, q.Link)
		}
	}
	if len(seen) < 30 {
		t.Errorf("%d questions", len(seen))
	}
}
