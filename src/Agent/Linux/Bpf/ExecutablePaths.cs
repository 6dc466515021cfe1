using System.Text;

namespace Bulkhead.Agent.Linux.Bpf;

/// <summary>
/// The paths that rules name, as the programs look for them: from the last component to the root, from state to state. Numbers are handed out
/// once and nothing is taken back, so that what a program is in the midst of stays right.
/// </summary>
internal sealed unsafe class ExecutablePaths(BpfMap<ExecutablePaths.Step, uint> steps, BpfMap<uint, uint> paths)
{
    /// <summary>The number of an executable that no rule names.</summary>
    public const uint Other = 0;

    /// <summary>The number of an executable that could be anything.</summary>
    public const uint Unidentified = 1;

    /// <summary>Bytes that a component may have; longer ones look like others to the programs.</summary>
    public const int LongestComponent = 62;

    private const int NameLength = 64;

    private readonly Dictionary<(uint State, string Name), uint> _states = [];
    private readonly Dictionary<string, uint> _numbers = new(StringComparer.Ordinal);

    /// <summary>A path's number.</summary>
    public uint NumberOf(string path) =>
        _numbers.TryGetValue(path, out var number) ? number : _numbers[path] = Unidentified + 1 + (uint)_numbers.Count;

    /// <summary>Has the programs know some paths; others that they knew become executables that no rule names.</summary>
    /// <exception cref="BpfException">There are too many.</exception>
    public void Put(IEnumerable<string> known)
    {
        var ends = new Dictionary<uint, uint>();
        foreach (var path in known.Where(path => path.Split('/').All(name => Encoding.UTF8.GetByteCount(name) <= LongestComponent)))
        {
            var state = 0u;
            foreach (var name in path.Split('/', StringSplitOptions.RemoveEmptyEntries).Reverse())
            {
                if (!_states.TryGetValue((state, name), out var next))
                {
                    next = (uint)_states.Count + 1;
                    steps.Set(Step.Of(state, name), next);
                    _states.Add((state, name), next);
                }

                state = next;
            }

            ends[state] = NumberOf(path);
        }

        paths.Become(ends);
    }

    /// <summary>Has the programs know again what they were told.</summary>
    /// <exception cref="BpfException">The kernel refuses.</exception>
    public void Restore()
    {
        steps.Restore();
        paths.Restore();
    }

    /// <summary>How what the programs know differs from what they were told, in words; null where it does not.</summary>
    /// <exception cref="BpfException">The kernel refuses.</exception>
    public IEnumerable<(string Map, string? Words)> Differences() => [("bulkhead_step", steps.Difference()), ("bulkhead_path", paths.Difference())];

    /// <summary>struct step.</summary>
    internal struct Step
    {
        public uint State;
        public fixed byte Name[NameLength];

        public static Step Of(uint state, string name)
        {
            var step = new Step { State = state };
            _ = Encoding.UTF8.GetBytes(name, new Span<byte>(step.Name, NameLength - 1));
            return step;
        }
    }
}
