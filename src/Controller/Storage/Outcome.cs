using Bulkhead.Contracts.Rest;

namespace Bulkhead.Controller.Storage;

/// <summary>What became of an edit: done, tried only, or refused with nothing changed.</summary>
public sealed record Outcome<T>
{
    internal Outcome(T? value, Problem? refusal, bool commit) => (Value, Refusal, Commits) = (value, refusal, commit);

    /// <summary>The result; default if refused.</summary>
    public T? Value { get; }

    /// <summary>Why not; null if it was done.</summary>
    public Problem? Refusal { get; }

    /// <summary>Whether the edit is to be kept.</summary>
    public bool Commits { get; }

    /// <summary>A result that is kept.</summary>
    public static implicit operator Outcome<T>(T value) => new(value, null, true);

    /// <summary>A refusal.</summary>
    public static implicit operator Outcome<T>(Problem refusal) => new(default, refusal, false);

    /// <summary>The same outcome with another result.</summary>
    public Outcome<TOther> Select<TOther>(Func<T, TOther> map) => new(Refusal is null ? map(Value!) : default, Refusal, Commits);
}

/// <summary>Makes outcomes.</summary>
public static class Outcomes
{
    /// <summary>A result that is shown but not kept.</summary>
    public static Outcome<T> Tried<T>(T value) => new(value, null, false);
}
