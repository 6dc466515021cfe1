using Bulkhead.Agent.Linux.Processes;
using Bulkhead.Policy;

namespace Bulkhead.Agent.Linux.Bpf;

/// <summary>Reads who is in the groups that rules name.</summary>
/// <param name="groups">Names of groups.</param>
/// <param name="running">Users of processes that run.</param>
/// <returns>By user; who is in none may be left out.</returns>
internal delegate Dictionary<uint, EquatableArray<string>> GroupReader(IReadOnlyCollection<string> groups, IEnumerable<uint> running);

/// <summary>
/// Who is in the groups that rules name, read again every 5 s: a change takes effect without signing in again. A directory that does not answer
/// leaves what was known; one that never answered is not an empty one.
/// </summary>
internal sealed class GroupWatch(CgroupTree tree, GroupReader read)
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan _pause = TimeSpan.FromSeconds(5);

    private readonly Lock _reading = new();
    private Known _known = new([], []);

    /// <summary>The groups that a user is in, of those that were asked for last.</summary>
    public EquatableArray<string> Of(uint user) => Volatile.Read(ref _known).Users.TryGetValue(user, out var groups) ? groups : [];

    /// <summary>Who is in these groups, as it was read last; reads it if others were asked for then.</summary>
    /// <param name="groups">Sorted and distinct.</param>
    /// <exception cref="IOException">The directory fails, or does not answer within 10 s.</exception>
    public IReadOnlyDictionary<uint, EquatableArray<string>> Members(EquatableArray<string> groups)
    {
        if (Volatile.Read(ref _known) is var known && known.Groups == groups)
        {
            return known.Users;
        }

        var reading = Task.Run(() => Read(groups));
        if (Task.WaitAny([reading], _patience) < 0)
        {
            throw new IOException($"The directory did not say within {_patience.TotalSeconds} s who is in {string.Join(", ", groups)}.");
        }

        return reading.GetAwaiter().GetResult().Users;
    }

    /// <summary>Begins to tell of changes.</summary>
    /// <param name="changed">Is told, on a thread of the pool.</param>
    /// <param name="time">The clock.</param>
    public IDisposable Watch(Action changed, TimeProvider time) => time.CreateTimer(
        _ =>
        {
            // One that still waits for the directory is enough.
            if (Volatile.Read(ref _known).Groups.Count > 0 && _reading.TryEnter())
            {
                try
                {
                    var before = Volatile.Read(ref _known);
                    if (!Same(Read(before.Groups).Users, before.Users))
                    {
                        changed();
                    }
                }
                catch (IOException)
                {
                    // What was known holds on.
                }
                finally
                {
                    _reading.Exit();
                }
            }
        },
        null,
        _pause,
        _pause);

    /// <summary>Whether the same users are in the same groups.</summary>
    public static bool Same(IReadOnlyDictionary<uint, EquatableArray<string>> a, IReadOnlyDictionary<uint, EquatableArray<string>> b) =>
        a.Count == b.Count && a.All(user => b.TryGetValue(user.Key, out var groups) && groups == user.Value);

    private Known Read(EquatableArray<string> groups)
    {
        lock (_reading)
        {
            var running = groups.Count == 0 ? [] : tree.AllProcesses().Select(pid => OwnerReader.UserOf(pid)).OfType<uint>().ToHashSet();
            var known = new Known(groups, groups.Count == 0 ? [] : read(groups, running));
            Volatile.Write(ref _known, known);
            return known;
        }
    }

    private sealed record Known(EquatableArray<string> Groups, Dictionary<uint, EquatableArray<string>> Users);
}
