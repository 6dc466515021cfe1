namespace Bulkhead.Controller.Storage.Flows;

/// <summary>
/// Writes what memory has gained since the last checkpoint: the states of edges to the catalog, roll-ups by hour to the day's file. In slices,
/// so that batches can be committed in between; what comes in meanwhile belongs to the next checkpoint. For one thread.
/// </summary>
internal sealed class Checkpointer(CatalogFile catalog)
{
    private const int EdgesAStep = 2_000;
    private const int RollupsAStep = 20_000;

    private List<Edge> _edges = [];
    private SortedDictionary<long, TallyList> _hours = [];
    private IEnumerator<int>? _running;

    /// <summary>Summaries since the last checkpoint began.</summary>
    public long Pending { get; private set; }

    /// <summary>Notes a summary that the day's file now has.</summary>
    public void Note(Edge edge, long at, in Tally tally)
    {
        Mark(edge);
        TalliesOf(FlowTimeline.Floor(at, FlowTimeline.Hour)).Add(tally);
        Pending++;
    }

    /// <summary>Does a slice of the running checkpoint, or begins one; false once it is complete.</summary>
    /// <exception cref="FlowStoreException">The checkpoint was given up; the next one makes up for it.</exception>
    public bool Step(PartitionFile partition)
    {
        _running ??= Run(partition).GetEnumerator();
        var more = false;
        try
        {
            more = _running.MoveNext();
        }
        finally
        {
            _running = more ? _running : null;
        }

        return more;
    }

    /// <summary>Leaves nothing pending; must precede a change of the day's file.</summary>
    public void Complete(PartitionFile partition)
    {
        do
        {
            while (Step(partition))
            {
            }
        }
        while (Pending > 0);
    }

    private IEnumerable<int> Run(PartitionFile partition)
    {
        var (upTo, edges, hours, pending, complete) = (partition.LastSummary, _edges, _hours, Pending, false);
        (_edges, _hours, Pending) = ([], [], 0);
        edges.ForEach(edge => edge.Dirty = false);
        try
        {
            partition.BeginCheckpoint();
            foreach (var slice in edges.Chunk(EdgesAStep))
            {
                catalog.SaveStates(slice);
                yield return slice.Length;
            }

            foreach (var (hour, tallies) in hours)
            {
                foreach (var slice in tallies.Summed().Chunk(RollupsAStep))
                {
                    partition.AppendRollups(hour, slice);
                    yield return slice.Length;
                }
            }

            partition.CompleteCheckpoint(upTo);
            complete = true;
        }
        finally
        {
            if (!complete)
            {
                edges.ForEach(Mark);
                Pending += pending;
                foreach (var (hour, tallies) in hours)
                {
                    TalliesOf(hour).Add(tallies);
                }
            }
        }
    }

    private void Mark(Edge edge)
    {
        if (!edge.Dirty)
        {
            edge.Dirty = true;
            _edges.Add(edge);
        }
    }

    private TallyList TalliesOf(long hour)
    {
        if (!_hours.TryGetValue(hour, out var list))
        {
            _hours[hour] = list = new();
        }

        return list;
    }
}
