package replica

import "sort"

// sortStably is slices.SortStableFunc. That is compiled anew for each struct, at
// some 10 KB a copy, where sort.SliceStable serves all.
func sortStably[T any](list []T, compare func(a, b *T) int) {
	sort.SliceStable(list, func(i, j int) bool { return compare(&list[i], &list[j]) < 0 })
}
