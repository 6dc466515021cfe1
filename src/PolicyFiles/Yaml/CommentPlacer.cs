namespace Bulkhead.PolicyFiles.Yaml;

/// <summary>
/// Gives each comment to what it speaks of: a comment at the end of a line to what stands there; one on lines of its own to what comes next, or, if
/// it is indented further than that, to the end of the list or object that it is in line with. Blank lines go with what follows them.
/// </summary>
internal sealed class CommentPlacer
{
    private sealed record Seat(YamlEntry Entry, YamlCollection Container, Seat? Owner, int Depth)
    {
        public int Start => Entry.First.Start;

        /// <summary>Where entries of its container begin, from 0.</summary>
        public int Column => Container is YamlSequence ? Container.At.Column - 1 : Entry.First.At.Column - 1;
    }

    private readonly CommentLines _lines;
    private readonly YamlMapping _root;
    private readonly List<Seat> _seats = [];

    private CommentPlacer(YamlMapping root, CommentLines lines)
    {
        (_root, _lines) = (root, lines);
        Seats(root, null, 0);
        _seats.Sort((a, b) => (a.Start, a.Depth).CompareTo((b.Start, b.Depth)));
    }

    /// <summary>Places all comments.</summary>
    /// <returns>The comment lines at the top that a blank line parts from the rest; they speak of the whole file.</returns>
    public static List<string> Place(YamlMapping root, CommentLines lines) => new CommentPlacer(root, lines).Place();

    private void Seats(YamlCollection container, Seat? owner, int depth)
    {
        foreach (var entry in container.Entries)
        {
            var seat = new Seat(entry, container, owner, depth);
            _seats.Add(seat);
            if (entry.Value is YamlCollection inner)
            {
                Seats(inner, seat, depth + 1);
            }
        }
    }

    private List<string> Place()
    {
        foreach (var comment in _lines.Comments)
        {
            var at = FirstAfter(comment.Index);
            if (!comment.OwnLine && Neighbour(at, comment) is { } neighbour)
            {
                if (neighbour.Inline is null)
                {
                    neighbour.Inline = comment.Text;
                }
                else
                {
                    neighbour.Before.Add(comment.Text);
                }

                continue;
            }

            var list = ListFor(at, comment);
            if (_lines.IsBlank(comment.Line - 1) && list is not [.., ""])
            {
                list.Add("");
            }

            list.Add(comment.Text);
        }

        var line = -1;
        foreach (var seat in _seats)
        {
            var own = _lines.LineOf(seat.Start);
            if (own != line && _lines.IsBlank(own - 1))
            {
                seat.Entry.Before.Add("");
            }

            line = own;
        }

        return TakeHead();
    }

    private List<string> TakeHead()
    {
        var before = _root.Fields.Count > 0 ? _root.Fields[0].Before : _root.Foot;
        var blank = _root.Fields.Count > 0 ? before.LastIndexOf("") : before.Count;
        var head = before.Take(Math.Max(blank, 0)).ToList();
        before.RemoveRange(0, Math.Min(before.Count, blank + 1));
        return head;
    }

    private int FirstAfter(int index)
    {
        var (low, high) = (0, _seats.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = _seats[middle].Start > index ? (low, middle) : (middle + 1, high);
        }

        return low;
    }

    /// <summary>What stands before a comment on its line: the innermost that is not closed yet, or ends there.</summary>
    private YamlEntry? Neighbour(int at, Comment comment)
    {
        if (at == 0)
        {
            return null;
        }

        for (var seat = _seats[at - 1]; seat is not null; seat = seat.Owner)
        {
            var open = !seat.Container.IsFlow || seat.Container.End > comment.Index;
            var value = seat.Entry.Value;
            var here = _lines.LineOf(seat.Start) == comment.Line
                || (value.End > value.Start && value.End <= comment.Index && _lines.LineOf(value.End - 1) == comment.Line && value is YamlScalar or YamlCollection { IsFlow: true });
            if (open && here)
            {
                return seat.Entry;
            }
        }

        return null;
    }

    private List<string> ListFor(int at, Comment comment)
    {
        var next = at < _seats.Count ? _seats[at] : null;
        for (var seat = at > 0 ? _seats[at - 1] : null; seat is not null; seat = seat.Owner)
        {
            var inner = seat.Entry.Value as YamlCollection;
            if (inner is { IsFlow: true } && inner.Start < comment.Index && inner.End > comment.Index)
            {
                return next is not null && Within(next, inner) ? next.Entry.Before : inner.Foot;
            }
        }

        if (next is not null && comment.Column <= next.Column)
        {
            return next.Entry.Before;
        }

        for (var seat = at > 0 ? _seats[at - 1] : null; seat is not null; seat = seat.Owner)
        {
            if (!seat.Container.IsFlow && seat.Column <= comment.Column)
            {
                return ReferenceEquals(seat.Container, next?.Container) ? next!.Entry.Before : seat.Container.Foot;
            }
        }

        return next?.Entry.Before ?? _root.Foot;
    }

    private static bool Within(Seat seat, YamlCollection container)
    {
        for (var at = seat; at is not null; at = at.Owner)
        {
            if (ReferenceEquals(at.Container, container))
            {
                return true;
            }
        }

        return false;
    }
}
