namespace Bulkhead.Controller.Storage.Flows;

/// <summary>A process that the store has seen.</summary>
/// <param name="Id">Positive; or one of the two below.</param>
/// <param name="Seen">Null for those two.</param>
public sealed record KnownProcess(int Id, SeenProcess? Seen)
{
    /// <summary>The kernel could not say which process it was.</summary>
    public static KnownProcess Unidentified { get; } = new(0, null);

    /// <summary>Stands for all beyond <see cref="ProcessSet.Limit"/> at one end of an edge.</summary>
    public static KnownProcess Others { get; } = new(-1, null);
}

/// <summary>
/// The processes seen at one end of an edge, in order of appearance. Interned: ends with the same history share one set. Grown only by the
/// store's writer; safe to read from any thread.
/// </summary>
public sealed class ProcessSet
{
    /// <summary>The most processes that are told apart at one end.</summary>
    public const int Limit = 16;

    private readonly KnownProcess[] _members;
    private readonly Dictionary<int, ProcessSet> _grown = [];

    private ProcessSet(KnownProcess[] members) => _members = members;

    /// <summary>The members, <see cref="KnownProcess.Unidentified"/> and <see cref="KnownProcess.Others"/> among them.</summary>
    public IReadOnlyList<KnownProcess> Members => _members;

    /// <summary>A set that holds nothing, from which others grow.</summary>
    public static ProcessSet CreateEmpty() => new([]);

    /// <summary>This set with a process; with <see cref="KnownProcess.Others"/> in its place once the set is full.</summary>
    internal ProcessSet With(KnownProcess process)
    {
        if (Array.IndexOf(_members, process) < 0 && _members.Length >= Limit)
        {
            process = KnownProcess.Others;
        }

        if (Array.IndexOf(_members, process) >= 0)
        {
            return this;
        }

        if (!_grown.TryGetValue(process.Id, out var grown))
        {
            _grown[process.Id] = grown = new([.. _members, process]);
        }

        return grown;
    }
}
