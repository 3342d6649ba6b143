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
	"image"
	_ "image/png" // the pictures
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
	ID       string  `json:"id"`   // [a-z-]+, for addresses
	Part     ui.Text `json:"part"` // of the guide, where a new one begins
	ui.Text          // its name
	About    ui.Text `json:"text"`
	Film     string  `json:"film"`     // NAME of NAME.webm; its first frame is NAME.png
	Seconds  int     `json:"seconds"`  // of the film
	Practice bool    `json:"practice"` // only of a sandbox
	Pictures []Step  `json:"pictures"`
	Still    Size    `json:"-"` // the film's first frame
}

// Step is one screen.
type Step struct {
	Name    string `json:"name"` // of NAME.png
	ui.Text        // what to do there
	Size    `json:"-"`
}

// Size is that of a picture, in its own pixels.
type Size struct{ Width, Height int }

// Broad is a screen on a desk, not in a hand.
func (s Size) Broad() bool { return s.Width > s.Height }

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
	for i := range g.Chapters {
		if err := g.Chapters[i].measure(); err != nil {
			return Guide{}, fmt.Errorf("guide: chapter %s: %w", g.Chapters[i].ID, err)
		}
	}
	return g, nil
}

// measure sees that what the chapter shows is there, and how large it is.
func (c *Chapter) measure() error {
	var err error
	for i := range c.Pictures {
		if c.Pictures[i].Size, err = size(c.Pictures[i].Name); err != nil {
			return err
		}
	}
	if c.Film == "" {
		return nil
	}
	if c.Still, err = size(c.Film); err != nil {
		return err
	}
	_, err = fs.Stat(files, c.Film+".webm")
	return err
}

func size(name string) (Size, error) {
	f, err := files.Open(name + ".png")
	if err != nil {
		return Size{}, err
	}
	defer f.Close()
	conf, _, err := image.DecodeConfig(f)
	if err != nil {
		return Size{}, fmt.Errorf("%s.png: %w", name, err)
	}
	return Size{conf.Width, conf.Height}, nil
}
