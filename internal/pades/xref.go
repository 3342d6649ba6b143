package pades

import (
	"bytes"
	"fmt"
	"maps"
)

// How a cross-reference section says where an object is.
const (
	isFree       = iota
	isInUse      // at a byte
	isCompressed // in an object stream
)

// An entry is one object's place.
type entry struct {
	kind   int
	offset int // isInUse: byte; isCompressed: number of the object stream
	gen    int // isInUse: generation; isCompressed: index inside the stream
}

// A section is one cross-reference section with its trailer (ISO 32000-1, 7.5.4,
// 7.5.5, 7.5.8): what one writing of the file, or one update, put down.
type section struct {
	start   int // byte of "xref" or of the stream's object
	after   int // first byte after the trailer or the stream's object
	entries map[int]entry
	trailer dict
	stream  int // number of the stream's own object; 0: a table
	hybrid  bool
	table   map[int]entry // of a hybrid one: entries without what it hides
	hidden  map[int]entry // and all that its stream says
}

// parseSection reads the section at a byte.
func (f *file) parseSection(at int) (*section, error) {
	if at < 0 || at >= len(f.data) {
		return nil, malformed("a cross-reference section outside the file")
	}
	l := f.lexer(at, len(f.data))
	l.skip()
	start := l.pos
	if !bytes.HasPrefix(f.data[start:], []byte("xref")) {
		return f.parseXRefStream(start)
	}
	s, err := f.parseTable(l)
	if err == nil {
		err = take(&f.budget.scanned, l.pos-start)
	}
	return s, err
}

// add puts an entry down; a section that has an object twice is ambiguous.
func (f *file) add(s *section, num int, e entry) error {
	if err := take(&f.budget.entries, 1); err != nil {
		return err
	}
	if num > maxNumber {
		return malformed("object number %d", num)
	}
	if _, twice := s.entries[num]; twice {
		return malformed("object %d is twice in one cross-reference section", num)
	}
	s.entries[num] = e
	return nil
}

// parseTable reads a cross-reference table (ISO 32000-1, 7.5.4).
func (f *file) parseTable(l *lexer) (*section, error) {
	s := &section{start: l.pos, entries: map[int]entry{}}
	l.pos += len("xref")
	for l.keyword("trailer") != nil {
		first, err := l.integer()
		if err != nil {
			return nil, err
		}
		count, err := l.integer()
		if err != nil {
			return nil, err
		}
		for i := range count {
			offset, err := l.integer()
			if err != nil {
				return nil, err
			}
			gen, err := l.integer()
			if err != nil {
				return nil, err
			}
			l.skip()
			e := entry{isInUse, offset, gen}
			switch l.word() {
			case "n":
			case "f":
				e = entry{kind: isFree}
			default:
				return nil, malformed("an entry of a cross-reference table")
			}
			if err := f.add(s, first+i, e); err != nil {
				return nil, err
			}
		}
	}
	v, err := l.value()
	if err != nil {
		return nil, err
	}
	var ok bool
	if s.trailer, ok = v.(dict); !ok {
		return nil, malformed("the trailer")
	}
	s.after = l.pos
	if at, ok := s.trailer["XRefStm"].(int); ok {
		return s, f.addHybrid(s, at)
	}
	return s, nil
}

// addHybrid adds the entries of the cross-reference stream that a hybrid file
// hides from old programs (ISO 32000-1, 7.5.8.4).
func (f *file) addHybrid(s *section, at int) error {
	if at < 0 || at >= len(f.data) {
		return malformed("a cross-reference section outside the file")
	}
	hidden, err := f.parseXRefStream(at)
	if err != nil {
		return err
	}
	s.hybrid, s.table, s.hidden = true, maps.Clone(s.entries), hidden.entries
	for num, e := range hidden.entries {
		if s.entries[num].kind == isFree {
			s.entries[num] = e
		}
	}
	return nil
}

// oneReading refuses a file in which a program that knows no cross-reference streams finds
// an object at another place than one that does: what a hybrid section hides has to be free
// in the tables, or be there as well (ISO 32000-1, 7.5.8.4). Old programs then show less,
// and never something else.
func (f *file) oneReading() error {
	for i, s := range f.sections {
		for num, e := range s.hidden {
			if old := f.byTables(i, num); e.kind != isFree && old.kind == isInUse && old != e {
				return malformed("object %d is at two places for two readers", num)
			}
		}
	}
	return nil
}

// byTables finds an object's entry as of a section, as far as tables tell.
func (f *file) byTables(from, num int) entry {
	for _, s := range f.sections[from:] {
		entries := s.entries
		if s.hybrid {
			entries = s.table
		}
		if e, ok := entries[num]; ok {
			return e
		}
	}
	return entry{}
}

// parseXRefStream reads a cross-reference stream (ISO 32000-1, 7.5.8).
func (f *file) parseXRefStream(at int) (*section, error) {
	bare := &view{file: f, end: len(f.data)} // it may refer to no other object
	o, err := bare.objectAt(at, nil)
	if err != nil {
		return nil, err
	}
	x, ok := o.value.(*stream)
	if !ok || x.dict["Type"] != name("XRef") {
		return nil, malformed("no cross-reference section at byte %d", at)
	}
	data, err := bare.decoded(x)
	if err != nil {
		return nil, err
	}
	s := &section{start: o.start, after: o.end, entries: map[int]entry{}, trailer: x.dict, stream: o.num}
	var widths [3]int
	w, ok := x.dict["W"].(array)
	if !ok || len(w) != 3 {
		return nil, malformed("W of a cross-reference stream")
	}
	for i := range w {
		if widths[i], ok = w[i].(int); !ok || widths[i] < 0 || widths[i] > 8 {
			return nil, malformed("W of a cross-reference stream")
		}
	}
	size, ok := x.dict["Size"].(int)
	if !ok || size < 0 {
		return nil, malformed("Size of a cross-reference stream")
	}
	index := array{0, size}
	if given, ok := x.dict["Index"]; ok {
		if index, ok = given.(array); !ok || len(index)%2 != 0 {
			return nil, malformed("Index of a cross-reference stream")
		}
	}
	row := widths[0] + widths[1] + widths[2]
	if row == 0 {
		return nil, malformed("W of a cross-reference stream")
	}
	for ; len(index) > 0; index = index[2:] {
		first, ok1 := index[0].(int)
		count, ok2 := index[1].(int)
		if !ok1 || !ok2 || first < 0 || count < 0 || count > len(data)/row {
			return nil, malformed("Index of a cross-reference stream")
		}
		for i := range count {
			e, err := xrefEntry(data[:row], widths)
			if err != nil {
				return nil, err
			}
			data = data[row:]
			if err := f.add(s, first+i, e); err != nil {
				return nil, err
			}
		}
	}
	return s, nil
}

// xrefEntry reads one row (ISO 32000-1, table 18).
func xrefEntry(row []byte, widths [3]int) (entry, error) {
	fields := [3]int{1, 0, 0} // the first defaults to 1
	for i, w := range widths {
		if w > 0 {
			n := 0
			for _, c := range row[:w] {
				if n >= 1<<40 {
					return entry{}, malformed("a number of a cross-reference stream")
				}
				n = n<<8 | int(c)
			}
			fields[i] = n
		}
		row = row[w:]
	}
	switch fields[0] {
	case 0:
		return entry{kind: isFree}, nil
	case 1:
		return entry{isInUse, fields[1], fields[2]}, nil
	case 2:
		return entry{isCompressed, fields[1], fields[2]}, nil
	}
	return entry{}, malformed("an entry of type %d", fields[0])
}

// ending reads what must follow a section's trailer: startxref, where the section
// is, and the end-of-file marker with its end of line. It returns the byte after.
func (f *file) ending(s *section) (int, error) {
	l := f.lexer(s.after, len(f.data))
	if err := l.keyword("startxref"); err != nil {
		return 0, err
	}
	at, err := l.integer()
	if err != nil {
		return 0, err
	}
	if at != s.start {
		return 0, malformed("startxref says %d and the section is at %d", at, s.start)
	}
	return endOfFile(f.data, l.pos)
}

// endOfFile passes white space, %%EOF and at most one end of line.
func endOfFile(data []byte, at int) (int, error) {
	for at < len(data) && isSpace(data[at]) {
		at++
	}
	if !bytes.HasPrefix(data[at:], []byte("%%EOF")) {
		return 0, fmt.Errorf("%w: no %%%%EOF", ErrMalformed)
	}
	at += len("%%EOF")
	if at < len(data) && data[at] == '\r' {
		at++
	}
	if at < len(data) && data[at] == '\n' {
		at++
	}
	return at, nil
}
