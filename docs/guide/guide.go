// Package guide is the guide as people read it: procedures step by step with the
// pictures that the browser tests took, and the questions that people ask.
//
// guide.json is written together with README.md from the captions of the browser
// tests (test/browser/house); questions.json is written by hand.
package guide

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"

	"tegata/internal/ui"
)

//go:embed *.png *.webm guide.json questions.json
var files embed.FS

// Files are the pictures and films, by name.
func Files() fs.FS { return files }

// Guide is what there is to read.
type Guide struct {
	Chapters  []Chapter
	Questions []Question
}

// Chapter is one procedure.
type Chapter struct {
	ID       string  `json:"id"` // [a-z-]+, for addresses
	ui.Text          // its name
	About    ui.Text `json:"text"`
	Film     string  `json:"film"`     // NAME of NAME.webm
	Practice bool    `json:"practice"` // only of a sandbox
	Pictures []Step  `json:"pictures"`
}

// Step is one screen.
type Step struct {
	Name    string `json:"name"` // of NAME.png
	ui.Text        // what to do there
}

// Question is what people ask, and where to go on.
type Question struct {
	ID   string  `json:"id"`
	Q    ui.Text `json:"q"`
	A    ui.Text `json:"a"`
	Link string  `json:"link"` // a path of the portal
}

// Open reads the guide. An error names what is missing.
func Open() (Guide, error) {
	var g Guide
	for name, into := range map[string]any{"guide.json": &g.Chapters, "questions.json": &g.Questions} {
		text, err := files.ReadFile(name)
		if err == nil {
			err = json.Unmarshal(text, into)
		}
		if err != nil {
			return Guide{}, fmt.Errorf("guide: %s: %w", name, err)
		}
	}
	for _, c := range g.Chapters {
		for _, p := range c.Pictures {
			if _, err := fs.Stat(files, p.Name+".png"); err != nil {
				return Guide{}, fmt.Errorf("guide: chapter %s: %w", c.ID, err)
			}
		}
	}
	return g, nil
}
