package pages

import (
	"net/http"
	"slices"
	"strings"

	"tegata/docs/guide"
	"tegata/internal/ui"
)

// helpPage is where people look first; the same words as in the guide that comes
// with the program, with its pictures. Nobody need be logged in.
type helpPage struct{ Parts []part }

// part is a part of the guide: without pictures no chapter is shown.
type part struct {
	Name     ui.Text
	Chapters []guide.Chapter
}

type chapterPage struct {
	Chapter guide.Chapter
	Next    *guide.Chapter
}

type questionsPage struct{ Questions []guide.Question }

// chapters are the procedures that can be carried out here: what is practice is a
// sandbox's alone.
func (h *Handler) chapters() []guide.Chapter {
	return slices.DeleteFunc(slices.Clone(h.guide.Chapters), func(c guide.Chapter) bool {
		return len(c.Pictures) == 0 || c.Practice && !h.opt.Sandbox
	})
}

func (h *Handler) help(w http.ResponseWriter, r *http.Request) {
	var page helpPage
	for _, c := range h.chapters() {
		if c.Part.JA != "" || len(page.Parts) == 0 {
			page.Parts = append(page.Parts, part{Name: c.Part})
		}
		last := &page.Parts[len(page.Parts)-1]
		last.Chapters = append(last.Chapters, c)
	}
	h.show(w, r, ui.Screen{Page: "help", Data: page})
}

func (h *Handler) chapter(w http.ResponseWriter, r *http.Request) {
	all := h.chapters()
	i := slices.IndexFunc(all, func(c guide.Chapter) bool { return c.ID == r.PathValue("id") })
	if i < 0 {
		h.Refuse(w, r, ui.ErrNoPage)
		return
	}
	page := chapterPage{Chapter: all[i]}
	if i+1 < len(all) {
		page.Next = &all[i+1]
	}
	h.show(w, r, ui.Screen{Page: "chapter", Data: page})
}

func (h *Handler) questions(w http.ResponseWriter, r *http.Request) {
	h.show(w, r, ui.Screen{Page: "questions", Data: questionsPage{h.guide.Questions}})
}

// guideFiles are the pictures and films.
func guideFiles() http.Handler {
	files := http.StripPrefix("/help/files/", http.FileServerFS(guide.Files()))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=3600") // they change with the program
		if strings.HasSuffix(r.URL.Path, ".webm") {
			w.Header().Set("Content-Type", "video/webm") // not every system's table has it
		}
		files.ServeHTTP(w, r)
	})
}
