package export

// Everything gives all procedures in order, whoever may call them: the
// operator's view, for `rpcd check`. What is refused until it is repaired is
// left out (see Check).
func (d *Dir) Everything() []*Procedure {
	w := newWalker(d.owner)
	if len(d.check(w)) > 0 {
		return nil
	}
	names, err := readNames(d.path)
	if err != nil {
		return nil
	}
	var ps []*Procedure
	for _, name := range names {
		if p, problems, err := d.load(w, name); err == nil && len(problems) == 0 {
			ps = append(ps, p)
		}
	}
	sortByName(ps)
	return ps
}
