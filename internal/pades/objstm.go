package pades

// A container is an object stream that was opened (ISO 32000-1, 7.5.7).
type container struct {
	nums   []int
	values [][2]int // of each value: from, to
	data   []byte
}

// contained reads an object out of an object stream.
func (v *view) contained(num int, e entry) (*object, error) {
	c, ok := v.inside[e.offset]
	if !ok {
		var err error
		if c, err = v.openContainer(e.offset); err != nil {
			return nil, err
		}
		v.inside[e.offset] = c
	}
	if e.gen >= len(c.nums) || c.nums[e.gen] != num {
		return nil, malformed("object %d is not in its object stream", num)
	}
	at := c.values[e.gen]
	l := &lexer{data: c.data[:at[1]], pos: at[0], budget: v.file.budget}
	value, err := l.value()
	if err != nil {
		return nil, err
	}
	if l.skip(); l.pos != at[1] {
		return nil, malformed("object %d is longer than its place in the object stream", num)
	}
	return &object{num: num, value: value}, nil
}

func (v *view) openContainer(num int) (*container, error) {
	if e, ok := v.lookup(num); !ok || e.kind != isInUse {
		return nil, malformed("object stream %d is not there", num)
	}
	o, err := v.load(num)
	if err != nil {
		return nil, err
	}
	s, ok := o.value.(*stream)
	if !ok || s.dict["Type"] != name("ObjStm") {
		return nil, malformed("object %d is no object stream", num)
	}
	n, ok1 := s.dict["N"].(int)
	first, ok2 := s.dict["First"].(int)
	c := &container{}
	if c.data, err = v.decoded(s); err != nil {
		return nil, err
	}
	if !ok1 || !ok2 || first < 0 || first > len(c.data) || n < 0 || n > first {
		return nil, malformed("object stream %d", num)
	}
	l := &lexer{data: c.data[:first], budget: v.file.budget}
	for i := range n {
		inner, err := l.integer()
		if err != nil {
			return nil, err
		}
		offset, err := l.integer()
		if err != nil {
			return nil, err
		}
		from := first + offset
		if from > len(c.data) || i > 0 && from < c.values[i-1][0] {
			return nil, malformed("object stream %d", num)
		}
		if i > 0 {
			c.values[i-1][1] = from
		}
		c.nums, c.values = append(c.nums, inner), append(c.values, [2]int{from, len(c.data)})
	}
	return c, nil
}
